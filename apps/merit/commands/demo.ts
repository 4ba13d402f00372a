import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireLocalHost } from '../../api/local-host.js';
import { DatasetError } from '#dataset';
import { START } from '#event-store';
import { type Configuration, removeDataFolder } from '#platform';
import type { Call, Format } from '../call.js';
import { demoText, importText } from '../demo-report.js';
import { type DemoView, demoView } from '../demo-view.js';
import { requireFormat } from '../formats.js';
import { importInto } from '../import-dataset.js';
import { standardOutput, writeJson } from '../output.js';
import { serve, tokenHint, untilSignal } from '../serving.js';
import { createSession, type Session, withEnd } from '../session.js';
import { openSystem, type System } from '../system.js';
import { inLanguage } from '../words.js';

/** The bundled organisation in a fresh store of its own; then serves it until a signal. */
export async function demo({ env, options }: Call, { once }: { once: boolean }): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const asked = createSession(env, options);
  if (!once) requireLocalHost(asked.configuration.host);
  const dataDir = once
    ? await mkdtemp(path.join(tmpdir(), 'merit-demo-'))
    : path.join(asked.configuration.dataDir, 'demo');
  const session = { ...asked, configuration: ownStore(asked.configuration, dataDir) };
  const opened: { system: System | null; isShown: boolean } = { system: null, isShown: false };
  const end = async (): Promise<void> => {
    await opened.system?.close();
    if (once) await removeDataFolder(dataDir);
  };
  const show = async (): Promise<void> => {
    opened.system = await openFresh(session);
    await showOrganisation(opened.system, session, { format: options.format, isKept: !once });
    opened.isShown = true;
  };
  await withEnd(show, async () => {
    if (once || !opened.isShown) await end();
  });
  if (once || !opened.system) return;
  try {
    await serveUntilSignal(opened.system, session, options.format);
  } finally {
    await end();
  }
}

/** Whatever is configured, a demonstration touches nobody's database but its own. */
function ownStore(configuration: Configuration, dataDir: string): Configuration {
  return {
    ...configuration,
    dataDir,
    database: { kind: 'embedded' },
    keysDatabaseUrl: null,
    kekFile: path.join(dataDir, 'key-encryption-key'),
    tokenKeyFile: path.join(dataDir, 'token-key.json'),
    identityProvider: null,
    eventStoreUrl: null,
    eventStoreNamespace: null,
    kafka: null,
  };
}

/** What an earlier demonstration left goes; one that is running is refused, not torn down. */
async function openFresh({ configuration, logger }: Session): Promise<System> {
  const open = (): Promise<System> =>
    openSystem(configuration, 'own', (message) => logger.info(message));
  const system = await open();
  if ((await system.store.head()) === START) return system;
  await system.close();
  await removeDataFolder(configuration.dataDir);
  return open();
}

async function showOrganisation(
  system: System,
  session: Session,
  { format, isKept }: { readonly format: Format; readonly isKept: boolean },
): Promise<void> {
  const { language, configuration } = session;
  const startedMs = performance.now();
  if (format === 'table') await standardOutput.write(openingText(session));
  const report = await importInto(system, { dir: datasetDir() }, session);
  const view = await demoView(system);
  if (format === 'json') return writeJson(standardOutput, { report, ...view });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const took = inLanguage(language, `用时 ${seconds} 秒`, `in ${seconds} s`);
  const shown = demoText(view, language, isKept ? configuration.dataDir : null);
  await standardOutput.write(`\n${importText(report, language)}\n${shown}\n${took}\n`);
}

const openingText = ({ language, configuration: { dataDir } }: Session): string =>
  inLanguage(
    language,
    `将随附的示例机构（虚构的一家银行，46 名客户经理，5 个月）导入新的存储：${dataDir}\n`,
    `Importing the bundled organisation (an invented bank, 46 account managers, five months) ` +
      `into a fresh store: ${dataDir}\n`,
  );

async function serveUntilSignal(system: System, session: Session, format: Format): Promise<void> {
  const ended = untilSignal();
  const serving = await serve(system, session);
  const { url } = serving;
  try {
    if (format === 'json') await writeJson(standardOutput, { url, pid: process.pid });
    else await standardOutput.write(servingText(session, url, await demoView(system)));
    await ended;
  } finally {
    await serving.close();
  }
}

function servingText(session: Session, url: string, view: DemoView): string {
  const [open] = view.provisional;
  const paths = [
    ...(open ? [`/v1/leaderboards?period=${open.period}&schemeId=${open.schemeId}`] : []),
    ...(view.trace ? [`/v1/trace/${view.trace.accountManagerId}/${view.trace.period}`] : []),
    '/v1/ledger/trial-balance',
    '/v1/projections',
    '/health/ready',
    '/docs',
  ];
  const title = inLanguage(session.language, `已启动，Ctrl-C 结束：`, 'Serving; Ctrl-C ends:');
  const shown = paths.map((one) => `  ${url}${one}\n`).join('');
  return `\n${title}\n${shown}${tokenHint(session)}\n`;
}

/** Beside this file where the build takes data along, or in the sources of the package. */
function datasetDir(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const inPackage = 'apps/merit/demo-organisation/dataset';
  const candidates = [
    path.join(here, '../demo-organisation/dataset'),
    path.join(here, '../../../..', inPackage),
  ];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) throw new DatasetError('the bundled organisation is not installed');
  return found;
}
