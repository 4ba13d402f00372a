import type { ApiArea } from '../area.js';
import { creditSale, creditSales, grantAward, grantAwards } from './commands.js';
import { EarningsController } from './controller.js';

export const earningsArea: ApiArea = {
  controllers: [EarningsController],
  commands: [grantAward, grantAwards, creditSale, creditSales],
  queries: [],
};
