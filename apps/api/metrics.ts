import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { START } from '#event-store';
import type { ApiSystem } from './dependencies.js';
import type { OpenStreams } from './open-streams.js';
import { readPayrollAlerts } from './payroll-alerts.js';
import { RelayMetrics } from './relay-metrics.js';

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** Metrics of one process, in a registry of their own. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly requests = new Counter({
    name: 'merit_http_requests_total',
    help: 'Answered requests by route, method and status code',
    labelNames: ['route', 'method', 'code'],
    registers: [this.registry],
  });
  private readonly durations = new Histogram({
    name: 'merit_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labelNames: ['route', 'method'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  private readonly limited = new Counter({
    name: 'merit_http_rate_limited_total',
    help: 'Requests refused because their caller sent too many',
    registers: [this.registry],
  });
  private readonly refusedTokens = new Counter({
    name: 'merit_http_refused_tokens_total',
    help: 'Requests refused because of their token, by code',
    labelNames: ['code'],
    registers: [this.registry],
  });
  private readonly appends = new Counter({
    name: 'merit_appends_total',
    help: 'Appends of this process by outcome, since its start',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  private readonly appendedEvents = new Counter({
    name: 'merit_appended_events_total',
    help: 'Events that this process has appended since its start',
    registers: [this.registry],
  });
  private readonly lagEvents = new Gauge({
    name: 'merit_projection_lag_events',
    help: 'Events of the log that a projection has not seen',
    labelNames: ['projection'],
    registers: [this.registry],
  });
  private readonly lagSeconds = new Gauge({
    name: 'merit_projection_lag_seconds',
    help: 'Age of the oldest event that a projection has not seen',
    labelNames: ['projection'],
    registers: [this.registry],
  });
  private readonly parked = new Gauge({
    name: 'merit_projection_parked_keys',
    help: 'Keys whose events a projection could not take',
    labelNames: ['projection'],
    registers: [this.registry],
  });
  /** Positions are opaque, events can be counted; its rate is that of all writers' appends. */
  private readonly events = new Gauge({
    name: 'merit_log_events',
    help: 'Events in the log: the place of its head',
    registers: [this.registry],
  });

  private readonly openStreams = new Gauge({
    name: 'merit_http_open_streams',
    help: 'Server-Sent Events connections that are open',
    registers: [this.registry],
  });
  private readonly lostAccess = new Counter({
    name: 'merit_access_records_lost_total',
    help: 'Access records that the database was away too long to take',
    registers: [this.registry],
  });

  private readonly dueToDos = new Gauge({
    name: 'merit_process_due_to_dos',
    help: 'What is due to be done by processes, as this one saw last',
    registers: [this.registry],
  });
  private readonly failedToDos = new Gauge({
    name: 'merit_process_failed_attempts',
    help: 'Attempts of processes that failed since the start',
    registers: [this.registry],
  });

  private readonly relay: RelayMetrics | null;

  private readonly payrollAlerts = new Gauge({
    name: 'merit_payroll_alerts',
    help: 'What somebody has to look after between here and payroll, by kind',
    labelNames: ['kind'],
    registers: [this.registry],
  });

  constructor(
    private readonly system: Pick<
      ApiSystem,
      | 'store'
      | 'projections'
      | 'access'
      | 'appends'
      | 'processes'
      | 'clock'
      | 'acknowledgeWithinHours'
      | 'relay'
    >,
    private readonly streams: OpenStreams,
  ) {
    collectDefaultMetrics({ register: this.registry });
    this.relay = system.relay ? new RelayMetrics(this.registry) : null;
  }

  /** `route` is the pattern, never the path: paths name people and have no bound. */
  countRequest(route: string, method: string, code: number, ms: number): void {
    this.requests.inc({ route, method, code: String(code) });
    this.durations.observe({ route, method }, ms / 1000);
  }

  countLimited(): void {
    this.limited.inc();
  }

  countRefusedToken(code: string): void {
    this.refusedTokens.inc({ code });
  }

  async text(): Promise<string> {
    const [log, projections, payroll] = await Promise.all([
      this.system.store.lag(START),
      this.system.projections.status(),
      readPayrollAlerts(this.system),
    ]);
    for (const [kind, count] of Object.entries(payroll.counts)) {
      this.payrollAlerts.set({ kind }, count);
    }
    this.events.set(log.events);
    const { appended, repeated, conflicts, failed, events } = this.system.appends;
    // Counted elsewhere: what stands there is taken over whole.
    for (const counter of [this.appends, this.appendedEvents, this.lostAccess]) counter.reset();
    for (const [outcome, count] of Object.entries({ appended, repeated, conflicts, failed })) {
      this.appends.inc({ outcome }, count);
    }
    this.appendedEvents.inc(events);
    this.lostAccess.inc(this.system.access.lostCount());
    this.openStreams.set(this.streams.count);
    const { due, failures } = this.system.processes.counts();
    this.dueToDos.set(due);
    this.failedToDos.set(failures);
    for (const { projection, lag, parkedKeyCount } of projections) {
      this.lagEvents.set({ projection }, lag.events);
      this.lagSeconds.set({ projection }, lag.seconds);
      this.parked.set({ projection }, parkedKeyCount);
    }
    const { relay, store } = this.system;
    if (relay) await this.relay?.take(relay.status(), store);
    return this.registry.metrics();
  }
}
