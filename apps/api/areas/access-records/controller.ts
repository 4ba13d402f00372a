import { Controller, Get, Inject, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { Admits } from '../../admits.js';
import { AccessRecordsQuery, readAccessRecords } from './queries.js';

@Controller('v1/access-records')
export class AccessRecordsController {
  constructor(@Inject(QueryBus) private readonly bus: QueryBus) {}

  @Get()
  @Admits('auditor')
  records(@Query() params: AccessRecordsQuery) {
    return this.bus.execute(readAccessRecords.query(params));
  }
}
