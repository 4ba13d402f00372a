import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { tagged } from '../../etag.js';
import { AnyQuery } from '../../queries.js';
import {
  draftScheme,
  publishScheme,
  RetireBody,
  retireScheme,
  reviseScheme,
  VersionPath,
} from './commands.js';
import {
  DiffQuery,
  InForceQuery,
  readDiff,
  readInForce,
  readSchema,
  readSchemes,
  readVersion,
  SchemePath,
  SchemesQuery,
  validateScheme,
} from './queries.js';
import { SchemeBody } from './scheme-body.js';

@Controller('v1/schemes')
export class SchemesController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post()
  @Admits('office')
  draft(@TheCall() call: Call, @Body() body: SchemeBody) {
    return this.commands.execute(draftScheme.command(call, body));
  }

  @Post('validate')
  @HttpCode(200)
  @Admits('office', 'auditor')
  validate(@Body() body: SchemeBody) {
    return this.queries.execute(validateScheme.query(body));
  }

  @Post(':schemeId/versions/:version/revise')
  @Admits('office')
  revise(@TheCall() call: Call, @Param() path: VersionPath, @Body() body: SchemeBody) {
    return this.commands.execute(reviseScheme.command(call, { ...body, ...path }));
  }

  @Post(':schemeId/versions/:version/publish')
  @Admits('office')
  publish(@TheCall() call: Call, @Param() path: VersionPath) {
    return this.commands.execute(publishScheme.command(call, path));
  }

  @Post(':schemeId/versions/:version/retire')
  @Admits('office')
  retire(@TheCall() call: Call, @Param() path: VersionPath, @Body() body: RetireBody) {
    return this.commands.execute(retireScheme.command(call, { ...body, ...path }));
  }

  @Get()
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'account-manager')
  schemes(@TheCaller() caller: Caller, @Query() params: SchemesQuery) {
    return this.queries.execute(readSchemes.query({ ...params, caller }));
  }

  @Get('schema')
  @Admits('anyone')
  async schema() {
    const { schema } = await this.queries.execute(readSchema.query({}));
    return schema;
  }

  @Get('in-force')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'account-manager')
  inForce(@TheCaller() caller: Caller, @Query() params: InForceQuery) {
    return this.queries.execute(readInForce.query({ ...params, caller }));
  }

  @Get(':schemeId/diff')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'account-manager')
  diff(@TheCaller() caller: Caller, @Param() path: SchemePath, @Query() params: DiffQuery) {
    return this.queries.execute(readDiff.query({ ...params, ...path, caller }));
  }

  @Get(':schemeId/versions/:version')
  @Admits('office', 'manager', 'auditor', 'reviewer', 'approver', 'account-manager')
  async version(
    @TheCaller() caller: Caller,
    @Param() path: VersionPath,
    @Query() params: AnyQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const query = readVersion.query({ ...params, ...path, caller });
    return tagged(reply, await this.queries.execute(query));
  }
}
