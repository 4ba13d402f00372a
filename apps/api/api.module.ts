import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { ApiArea } from './areas/area.js';
import { AREAS } from './areas/index.js';
import { API_SYSTEM, type ApiSystem } from './dependencies.js';
import { Metrics } from './metrics.js';
import { OpenStreams } from './open-streams.js';
import { ApiDocument } from './openapi.js';
import { RoleGuard } from './role-guard.js';

export const CONTROLLERS: readonly Type[] = AREAS.flatMap(({ controllers }) => controllers);

@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- to NestJS a module is a class
class ApiModule {}

/** The module over a system that the composition root has opened. */
export const apiModule = (
  system: ApiSystem,
  metrics: Metrics,
  streams: OpenStreams,
  document: ApiDocument,
  areas: readonly ApiArea[] = [],
): DynamicModule => ({
  module: ApiModule,
  imports: [CqrsModule.forRoot()],
  controllers: [...CONTROLLERS, ...areas.flatMap(({ controllers }) => controllers)],
  providers: [
    { provide: API_SYSTEM, useValue: system },
    { provide: Metrics, useValue: metrics },
    { provide: OpenStreams, useValue: streams },
    { provide: ApiDocument, useValue: document },
    { provide: APP_GUARD, useClass: RoleGuard },
    ...[...AREAS, ...areas].flatMap(({ commands, queries }) => [...commands, ...queries]).map(
      ({ handler }) => handler,
    ),
  ],
});
