import type { ApiArea } from '../area.js';
import { recordMetric, recordMetrics } from './commands.js';
import { MetricsController } from './controller.js';

export const metricsArea: ApiArea = {
  controllers: [MetricsController],
  commands: [recordMetric, recordMetrics],
  queries: [],
};
