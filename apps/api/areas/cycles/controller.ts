import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Inject,
  Param,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import type { Caller } from '#platform';
import { Admits, EVERYBODY_AT_WORK } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { tagged } from '../../etag.js';
import { AnyQuery, PageQuery } from '../../queries.js';
import {
  approveReopening,
  ApproveReopeningBody,
  closeCollection,
  CyclePath,
  finaliseCycle,
  openCycle,
  OpenCycleBody,
  proposeReopening,
  ProposeReopeningBody,
  publishCycle,
  PublishBody,
} from './commands.js';
import { ProgressQuery, readProgress } from './progress.js';
import { readCycle, readCycles, readDistribution } from './queries.js';

/** Whether a period is open or published. */
const EVERYBODY = [...EVERYBODY_AT_WORK, 'payroll'] as const;

@Controller('v1/cycles')
export class CyclesController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post()
  @Admits('office')
  open(@TheCall() call: Call, @Body() body: OpenCycleBody) {
    return this.commands.execute(openCycle.command(call, body));
  }

  @Get()
  @Admits(...EVERYBODY)
  list(@Query() params: PageQuery) {
    return this.queries.execute(readCycles.query(params));
  }

  @Get(':period')
  @Admits(...EVERYBODY)
  async one(
    @Param() path: CyclePath,
    @Query() params: AnyQuery,
    @TheCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const query = readCycle.query({ ...params, ...path, caller });
    return tagged(reply, await this.queries.execute(query));
  }

  @Post(':period/close')
  @Admits('office')
  close(@TheCall() call: Call, @Param() path: CyclePath) {
    return this.commands.execute(closeCollection.command(call, path));
  }

  @Post(':period/reopen/propose')
  @Admits('office')
  propose(@TheCall() call: Call, @Param() path: CyclePath, @Body() body: ProposeReopeningBody) {
    return this.commands.execute(proposeReopening.command(call, { ...body, ...path }));
  }

  @Post(':period/reopen/approve')
  @Admits('office')
  approve(@TheCall() call: Call, @Param() path: CyclePath, @Body() body: ApproveReopeningBody) {
    return this.commands.execute(approveReopening.command(call, { ...body, ...path }));
  }

  /** 200 with `state`: `published`, or `publishing` and where to look when it takes longer. */
  @Post(':period/publish')
  @HttpCode(HttpStatus.OK)
  @Admits('office')
  publish(@TheCall() call: Call, @Param() path: CyclePath, @Body() body: PublishBody) {
    return this.commands.execute(publishCycle.command(call, { ...body, ...path }));
  }

  @Post(':period/finalise')
  @Admits('office')
  finalise(@TheCall() call: Call, @Param() path: CyclePath) {
    return this.commands.execute(finaliseCycle.command(call, path));
  }

  @Get(':period/progress')
  @Admits('office', 'manager', 'auditor')
  progress(@Param() path: CyclePath, @Query() params: ProgressQuery, @TheCaller() caller: Caller) {
    return this.queries.execute(readProgress.query({ ...params, ...path, caller }));
  }

  @Get(':period/distribution')
  @Admits('office', 'manager', 'auditor', 'approver')
  distribution(@Param() path: CyclePath, @Query() params: AnyQuery, @TheCaller() caller: Caller) {
    return this.queries.execute(readDistribution.query({ ...params, ...path, caller }));
  }
}
