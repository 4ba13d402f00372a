import { randomUUID } from 'node:crypto';
import { openReplay } from '#dataset';
import { createLogger, readConfiguration } from '#platform';
import { importDataset } from '#processes/dataset-import';
import { boardLines } from '#read-models/leaderboards';
import { scoreRecords } from '#read-models/scores';
import { tierRecords } from '#read-models/tiers';
import { openSystem } from './system.js';

const [command, arg, ...rest] = process.argv.slice(2);
const flag = (name: string) => { const i = rest.indexOf(name); return i >= 0 ? rest[i + 1] : undefined; };
const configuration = readConfiguration(process.env, { data: flag('--data') });
const system = await openSystem(configuration, 'own-or-attach', (m) => console.error(m));
void createLogger;
try {
  if (command === 'import') {
    const replay = await openReplay(arg as string);
    try {
      const report = await importDataset(system.engine, replay, { runId: randomUUID(), onProgress: (p) => console.error(JSON.stringify(p)), onNote: (n) => console.error(JSON.stringify(n)) });
      console.log(JSON.stringify(report, null, 1));
    } finally { await replay.close(); }
  } else if (command === 'export') {
    const head = await system.store.head();
    const names = ['scores', 'tiers', 'settlement'];
    const out = await system.engine.readModels.at(head, names, async (sql) => arg === 'scores' ? scoreRecords(sql) : arg === 'tiers' ? tierRecords(sql) : arg === 'leaderboards' ? boardLines(sql, { provisional: false }) : sql.query('select * from settlement_line'));
    console.log(JSON.stringify(out, null, 1));
  }
} finally { await system.close(); }
