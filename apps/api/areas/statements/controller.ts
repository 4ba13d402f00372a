import { Body, Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiProduces } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { PersonPeriodPath } from '../../person-queries.js';
import {
  acknowledgeStatement,
  AcknowledgeBody,
  ObjectBody,
  objectToStatement,
} from './commands.js';
import { PAGE_HEADERS, statementPage } from './page.js';
import { readStatement, StatementQuery } from './queries.js';
import { worded } from './worded.js';

@Controller('v1/statements/:accountManagerId/:period')
export class StatementsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  /** JSON, or a page to print for who asks for `text/html`. */
  @Get()
  @Admits('office', 'manager', 'auditor', 'reviewer', 'account-manager')
  @ApiProduces('application/json', 'text/html')
  async statement(
    @TheCaller() caller: Caller,
    @Param() path: PersonPeriodPath,
    @Query() params: StatementQuery,
    @Req() { headers }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const found = await this.queries.execute(readStatement.query({ ...params, ...path, caller }));
    void reply.header('vary', 'accept, accept-language');
    const accepts = headers.accept?.includes('text/html') ? 'html' : 'json';
    const asked = headers['accept-language']?.toLowerCase().startsWith('en') ? 'en' : 'zh';
    const lang = params.lang ?? asked;
    if ((params.format ?? accepts) === 'json') return worded(found, lang);
    void reply.headers(PAGE_HEADERS);
    return statementPage(found, lang);
  }

  @Post('acknowledge')
  @Admits('account-manager')
  acknowledge(
    @TheCall() call: Call,
    @Param() path: PersonPeriodPath,
    @Body() body: AcknowledgeBody,
  ) {
    return this.commands.execute(acknowledgeStatement.command(call, { ...body, ...path }));
  }

  @Post('object')
  @Admits('account-manager')
  object(@TheCall() call: Call, @Param() path: PersonPeriodPath, @Body() body: ObjectBody) {
    return this.commands.execute(objectToStatement.command(call, { ...body, ...path }));
  }
}
