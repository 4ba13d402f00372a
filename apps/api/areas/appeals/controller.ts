import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import type { Caller } from '#platform';
import { Admits } from '../../admits.js';
import { type Call, TheCall } from '../../call.js';
import { TheCaller } from '../../caller.js';
import { AnyQuery } from '../../queries.js';
import {
  acceptAppeal,
  assignReviewer,
  AssignReviewerBody,
  decideAppeal,
  DecideAppealBody,
  fileAppeal,
  FileAppealBody,
  refuseAppeal,
  RefuseAppealBody,
  requestReview,
  RequestReviewBody,
  withdrawAppeal,
} from './commands.js';
import { AppealPath } from './fields.js';
import { OverdueQuery, readOverdue, readOverdueCsv } from './overdue.js';
import { previewAppeal, PreviewBody } from './preview.js';
import { InboxQuery, readInbox, readWholeAppeal } from './queries.js';

const PREVIEWED = 200;

@Controller('v1/appeals')
export class AppealsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post()
  @Admits('account-manager')
  file(@TheCall() call: Call, @Body() body: FileAppealBody) {
    return this.commands.execute(fileAppeal.command(call, body));
  }

  @Get()
  @Admits('office', 'auditor', 'reviewer', 'account-manager', 'manager')
  inbox(@TheCaller() caller: Caller, @Query() params: InboxQuery) {
    return this.queries.execute(readInbox.query({ ...params, caller }));
  }

  @Get('overdue')
  @Admits('office', 'auditor')
  async overdue(
    @TheCaller() caller: Caller,
    @Query() params: OverdueQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const asked = { ...params, caller };
    if (params.format !== 'csv') return this.queries.execute(readOverdue.query(asked));
    const { csv } = await this.queries.execute(readOverdueCsv.query(asked));
    void reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', 'attachment; filename="overdue-appeals.csv"');
    return csv;
  }

  @Get(':appealId')
  @Admits('office', 'auditor', 'reviewer', 'account-manager')
  appeal(@TheCaller() caller: Caller, @Param() path: AppealPath, @Query() params: AnyQuery) {
    return this.queries.execute(readWholeAppeal.query({ ...params, ...path, caller }));
  }

  @Post(':appealId/preview')
  @HttpCode(PREVIEWED)
  @Admits('office', 'auditor', 'reviewer')
  preview(
    @TheCaller() caller: Caller,
    @Param() path: AppealPath,
    @Query() params: AnyQuery,
    @Body() body: PreviewBody,
  ) {
    return this.queries.execute(previewAppeal.query({ ...params, ...body, ...path, caller }));
  }

  @Post(':appealId/accept')
  @Admits('office')
  accept(@TheCall() call: Call, @Param() path: AppealPath) {
    return this.commands.execute(acceptAppeal.command(call, path));
  }

  @Post(':appealId/refuse')
  @Admits('office')
  refuse(@TheCall() call: Call, @Param() path: AppealPath, @Body() body: RefuseAppealBody) {
    return this.commands.execute(refuseAppeal.command(call, { ...body, ...path }));
  }

  @Post(':appealId/assign')
  @Admits('office')
  assign(@TheCall() call: Call, @Param() path: AppealPath, @Body() body: AssignReviewerBody) {
    return this.commands.execute(assignReviewer.command(call, { ...body, ...path }));
  }

  @Post(':appealId/decide')
  @Admits('reviewer')
  decide(@TheCall() call: Call, @Param() path: AppealPath, @Body() body: DecideAppealBody) {
    return this.commands.execute(decideAppeal.command(call, { ...body, ...path }));
  }

  @Post(':appealId/request-review')
  @Admits('account-manager')
  requestReview(@TheCall() call: Call, @Param() path: AppealPath, @Body() body: RequestReviewBody) {
    return this.commands.execute(requestReview.command(call, { ...body, ...path }));
  }

  @Post(':appealId/withdraw')
  @Admits('account-manager')
  withdraw(@TheCall() call: Call, @Param() path: AppealPath) {
    return this.commands.execute(withdrawAppeal.command(call, path));
  }
}
