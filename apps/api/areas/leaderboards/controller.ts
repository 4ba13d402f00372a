import {
  Controller,
  Get,
  Inject,
  type OnModuleDestroy,
  Param,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiProduces } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { TheCaller } from '../../caller.js';
import { API_SYSTEM, type ApiSystem } from '../../dependencies.js';
import { OpenStreams } from '../../open-streams.js';
import { PersonPath } from '../../person-queries.js';
import { BoardPageQuery, BoardQuery, BoardStreamQuery, readBoard, readPlace } from './queries.js';
import { type BoardStreams, createBoardStreams } from './stream.js';

@Controller('v1/leaderboards')
export class LeaderboardsController implements OnModuleDestroy {
  private readonly streams: BoardStreams;

  constructor(
    @Inject(QueryBus) private readonly bus: QueryBus,
    @Inject(API_SYSTEM) system: ApiSystem,
    @Inject(OpenStreams) open: OpenStreams,
  ) {
    this.streams = createBoardStreams(system, open);
  }

  onModuleDestroy(): void {
    this.streams.close();
  }

  @Get()
  @Admits('office', 'manager', 'auditor', 'account-manager')
  board(@TheCaller() caller: Caller, @Query() params: BoardPageQuery) {
    return this.bus.execute(readBoard.query({ ...params, caller }));
  }

  /** A snapshot, then the places that changed; `Last-Event-ID` goes on where a reader was. */
  @Get('stream')
  @Admits('office', 'manager', 'auditor', 'account-manager')
  @ApiProduces('text/event-stream')
  stream(
    @TheCaller() caller: Caller,
    @Query() params: BoardStreamQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.streams.open(request, reply, caller, params);
  }

  @Get(':accountManagerId/place')
  @Admits('office', 'manager', 'auditor', 'account-manager')
  place(
    @TheCaller() caller: Caller,
    @Param() { accountManagerId }: PersonPath,
    @Query() params: BoardQuery,
  ) {
    return this.bus.execute(readPlace.query({ ...params, accountManagerId, caller }));
  }
}
