import { type DynamicModule, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { LedgerController } from './controllers/ledger.js';
import { OperationsController } from './controllers/operations.js';
import { ScoresController } from './controllers/scores.js';
import { API_SYSTEM, type ApiSystem } from './dependencies.js';
import { Metrics } from './metrics.js';
import { READ_QUERIES } from './reads.js';

export const CONTROLLERS = [ScoresController, LedgerController, OperationsController] as const;

@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- to NestJS a module is a class
class ApiModule {}

/** The module over a system that the composition root has opened. */
export const apiModule = (system: ApiSystem, metrics: Metrics): DynamicModule => ({
  module: ApiModule,
  imports: [CqrsModule.forRoot()],
  controllers: [...CONTROLLERS],
  providers: [
    { provide: API_SYSTEM, useValue: system },
    { provide: Metrics, useValue: metrics },
    ...READ_QUERIES.map(({ handler }) => handler),
  ],
});
