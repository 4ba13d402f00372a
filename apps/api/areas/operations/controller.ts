import { Controller, Get, Header, HttpStatus, Inject, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { describeError } from '#platform';
import { Admits } from '../../admits.js';
import { API_SYSTEM, type ApiSystem } from '../../dependencies.js';
import { payrollWarnings, readPayrollAlerts } from '../../payroll-alerts.js';
import { Metrics, METRICS_CONTENT_TYPE } from '../../metrics.js';
import { AnyQuery } from '../../queries.js';
import { relayWarnings } from '../../relay-warnings.js';
import { unreadyWarning } from '../../unready.js';
import { readProjections } from './queries.js';

/** So far behind a board is not called live any more. */
const LAG_WARNING_SECONDS = 10;
const SHOWN_PARKED_KEYS = 20;
const SHOWN_TO_DOS = 20;

@Controller()
export class OperationsController {
  constructor(
    @Inject(QueryBus) private readonly bus: QueryBus,
    @Inject(API_SYSTEM) private readonly system: ApiSystem,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  @Get('v1/projections')
  @Admits('office', 'auditor', 'admin')
  projections(@Query() params: AnyQuery) {
    return this.bus.execute(readProjections.query(params));
  }

  @Get('health/live')
  @Admits('anyone')
  live() {
    return { status: 'live' };
  }

  /** Ready is who can answer queries; what is slow, parked or behind is said and stops nobody. */
  @Get('health/ready')
  @Admits('anyone')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    try {
      const relay = this.system.relay?.status();
      const [settings, projections, parkedKeys, payroll, relaying] = await Promise.all([
        this.system.settingWarnings(),
        this.system.projections.status(),
        this.system.projections.parkedKeys(),
        readPayrollAlerts(this.system),
        relay ? relayWarnings(relay, this.system.store) : [],
      ]);
      const late = projections.filter(({ lag }) => lag.seconds > LAG_WARNING_SECONDS);
      const warnings = [
        ...settings,
        ...parkedKeys
          .slice(0, SHOWN_PARKED_KEYS)
          .map(({ projection, key }) => `projection ${projection}: key ${key} is parked`),
        ...late.map(({ projection, lag }) => `projection ${projection} is ${lag.seconds} s behind`),
        ...[...this.system.troubles()].map(([name, why]) => `projection ${name} stands: ${why}`),
        ...processWarnings(this.system.processes),
        ...payrollWarnings(payroll),
        ...relaying,
      ];
      const lags = projections.map(({ projection, lag }) => ({ projection, ...lag }));
      return { status: 'ready', warnings, parkedKeyCount: parkedKeys.length, projections: lags };
    } catch (error) {
      this.system.logger.warn({ err: describeError(error) }, 'not ready');
      void reply.status(HttpStatus.SERVICE_UNAVAILABLE);
      return { status: 'not-ready', warnings: [unreadyWarning(error)] };
    }
  }

  @Get('metrics')
  @Admits('anyone')
  @Header('content-type', METRICS_CONTENT_TYPE)
  scrape() {
    return this.metrics.text();
  }
}

function processWarnings({ troubles, overdue }: ApiSystem['processes']): readonly string[] {
  return [
    ...[...troubles()].map(([what, why]) => `process ${what} is tried again: ${why}`),
    ...overdue().map(
      ({ process, key, seconds }) => `process ${process}: ${key} has been due for ${seconds} s`,
    ),
  ].slice(0, SHOWN_TO_DOS);
}
