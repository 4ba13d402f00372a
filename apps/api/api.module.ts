import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { ApiLimits } from '#platform';
import type { ApiArea } from './areas/area.js';
import { AREAS } from './areas/index.js';
import { API_LIMITS, API_SYSTEM, type ApiSystem } from './dependencies.js';
import { Metrics } from './metrics.js';
import { OpenStreams } from './open-streams.js';
import { ApiDocument } from './openapi.js';
import { RoleGuard } from './role-guard.js';

export const CONTROLLERS: readonly Type[] = AREAS.flatMap(({ controllers }) => controllers);

@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- to NestJS a module is a class
class ApiModule {}

export type ApiParts = {
  readonly system: ApiSystem;
  readonly limits: ApiLimits;
  readonly metrics: Metrics;
  readonly streams: OpenStreams;
  readonly document: ApiDocument;
  readonly areas: readonly ApiArea[]; // beside the product's own
};

/** The module over a system that the composition root has opened. */
export const apiModule = ({
  system,
  limits,
  metrics,
  streams,
  document,
  areas,
}: ApiParts): DynamicModule => ({
  module: ApiModule,
  imports: [CqrsModule.forRoot()],
  controllers: [...CONTROLLERS, ...areas.flatMap(({ controllers }) => controllers)],
  providers: [
    { provide: API_SYSTEM, useValue: system },
    { provide: API_LIMITS, useValue: limits },
    { provide: Metrics, useValue: metrics },
    { provide: OpenStreams, useValue: streams },
    { provide: ApiDocument, useValue: document },
    { provide: APP_GUARD, useClass: RoleGuard },
    ...[...AREAS, ...areas]
      .flatMap(({ commands, queries }) => [...commands, ...queries])
      .map(({ handler }) => handler),
  ],
});
