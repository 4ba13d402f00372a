import type { Logger } from '#platform';
import { type AlertedSystem, payrollWarnings, readPayrollAlerts } from '../api/payroll-alerts.js';

const LOOK_MS = 60_000;

export type AlertLog = { readonly stop: () => void };

/**
 * A line for whoever watches the log and no dashboard: each alert once when it comes up, or when
 * it is about more or fewer than before.
 */
export function startAlertLog(
  system: AlertedSystem,
  logger: Pick<Logger, 'warn' | 'debug'>,
  everyMs: number = LOOK_MS,
): AlertLog {
  let told: ReadonlySet<string> = new Set();
  const look = async (): Promise<void> => {
    try {
      const warnings = new Set(payrollWarnings(await readPayrollAlerts(system)));
      for (const warning of warnings) if (!told.has(warning)) logger.warn(warning);
      told = warnings;
    } catch (error) {
      // The database is away, which others tell.
      logger.debug({ err: error }, 'the alerts of payroll cannot be read');
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
