import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isDate, isInstant, isPeriod } from '#kernel';
import type { Environment } from '#platform';
import type { Call } from './call.js';
import { failureOf, type ExitCode } from './failure.js';

/** Gives the exit code; a command that throws has failed. */
export async function runCommandLine(args: readonly string[], env: Environment): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = describe((work) => async (call) => {
    exitCode = (await work({ env, options: call })) ?? 0;
  });
  try {
    // What a reader of a pipe does not want any more is no failure (`merit export … | head`).
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const failure = failureOf(error, { debug: env['MERIT_LOG_LEVEL'] === 'debug' });
    process.stderr.write(`${failure.line}\n`);
    return failure.exitCode;
  }
}

type Work = (call: Call) => Promise<ExitCode | undefined | void>;
type Run = (work: Work) => (options: Call['options']) => Promise<void>;

/** A command's own options stand beside those of every command. */
type Options<Own extends object> = Call['options'] & Own;

const checked =
  (holds: (text: string) => boolean, expected: string) =>
  (text: string): string => {
    if (!holds(text)) throw new InvalidArgumentError(`It must be ${expected}.`);
    return text;
  };
const period = checked(isPeriod, 'a month such as 2026-01');
const date = checked(isDate, 'a date such as 2026-01-31');
const instant = checked(
  (text) => isInstant(text) || isDate(text),
  'an instant such as 2026-01-31T18:00:00+08:00',
);

/**
 * Each command's code is loaded when it runs: `--help` and the quick commands load neither NestJS
 * nor the database.
 */
function describe(run: Run): Command {
  const program = new Command('merit')
    .description('Assessment and incentives of account managers on an event log')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(merit --help lists commands and options)')
    .option('--data <dir>', 'folder of the embedded store (default: .data)')
    .addOption(
      new Option('--format <format>', 'how results are written')
        .choices(['table', 'json', 'csv'])
        .default('table'),
    )
    .addOption(new Option('--lang <lang>', 'language for people').choices(['zh', 'en']));
  addStore(program, run);
  addReports(program, run);
  addUpkeep(program, run);
  addKeeping(program, run);
  addTokens(program, run);
  return program;
}

function addStore(program: Command, run: Run): void {
  program
    .command('start')
    .description('everything in one process, with queries over HTTP; with KAFKA_BROKERS the relay')
    .option('--port <port>', 'port to listen on; 0: whichever is free (default: 8080)')
    .action(async (_, command: Command) => {
      const { start } = await import('./commands/start.js');
      await run(start)(optionsOf(command));
    });
  program
    .command('relay')
    .description('deliver to Kafka (KAFKA_BROKERS) in a process of its own, until a signal')
    .option('--port <port>', 'serve /metrics and /health on it; 0: whichever is free')
    .action(async (_, command: Command) => {
      const { relay } = await import('./commands/relay.js');
      await run(relay)(optionsOf(command));
    });
  program
    .command('demo')
    .description('import the bundled organisation into a fresh store, show and serve it')
    .option('--once', 'show it and end')
    .option('--port <port>', 'port to listen on; 0: whichever is free (default: 8080)')
    .action(async (_, command: Command) => {
      const { demo } = await import('./commands/demo.js');
      const options = optionsOf<{ once?: boolean }>(command);
      await run((call) => demo(call, { once: options.once === true }))(options);
    });
  program
    .command('import <dir>')
    .description('replay the history in a dataset directory; print what was refused and why')
    .option('--strict', 'fail if anything was refused')
    .option('--dry-run', 'report without writing')
    .option('--encoding <encoding>', 'of tables that are not UTF-8, such as gb18030')
    .option('--effective-on <date>', 'from when changed people are transferred', date)
    .action(async (dir: string, _, command: Command) => {
      const { importDirectory } = await import('./commands/import.js');
      const options = optionsOf<{
        strict?: boolean;
        dryRun?: boolean;
        encoding?: string;
        effectiveOn?: string;
      }>(command);
      await run((call) => importDirectory(call, dir, options))(options);
    });
  program
    .command('template <dir>')
    .description('an empty dataset: every header, and a scheme to start from')
    .action(async (dir: string, _, command: Command) => {
      const { template } = await import('./commands/template.js');
      await run((call) => template(call, dir))(optionsOf(command));
    });
}

function addReports(program: Command, run: Run): void {
  program
    .command('export')
    .description('write records of the read models')
    .addArgument(
      program
        .createArgument('<records>', 'what to write')
        .choices(['scores', 'tiers', 'leaderboards', 'ledger']),
    )
    .option('--period <period>', 'of one period alone', period)
    .action(async (records: string, _, command: Command) => {
      const { exportRecords } = await import('./commands/export.js');
      const options = optionsOf<{ period?: string }>(command);
      await run((call) => exportRecords(call, records, options))(options);
    });
  program
    .command('trace')
    .argument('<account-manager>', 'whose score')
    .argument('<period>', 'of which month', period)
    .description('every change of a score: event, actor, rule, before, after')
    .option('--as-of <instant>', 'as known then', instant)
    .action(async (accountManagerId: string, ofPeriod: string, _, command: Command) => {
      const { trace } = await import('./commands/trace.js');
      const options = optionsOf<{ asOf?: string }>(command);
      await run((call) => trace(call, { accountManagerId, period: ofPeriod, ...options }))(options);
    });
}

function addTokens(program: Command, run: Run): void {
  program
    .command('token')
    .description('a token of the local issuer, to call the API with')
    .requiredOption('--role <role>', 'in which role; may be given several times', collected, [])
    .requiredOption('--subject <id>', 'whose token')
    .option('--valid-hours <hours>', 'how long it is valid (default: 12)')
    .action(async (_, command: Command) => {
      const { token } = await import('./commands/token.js');
      const options = optionsOf<{ role: string[]; subject: string; validHours?: string }>(command);
      await run((call) => token(call, options))(options);
    });
}

const collected = (text: string, earlier: readonly string[]): string[] => [...earlier, text];

function addUpkeep(program: Command, run: Run): void {
  program
    .command('rebuild [projection]')
    .description('rebuild read models beside the live ones, compare, switch')
    .option('--verify', 'only compare')
    .action(async (projection: string | undefined, _, command: Command) => {
      const { rebuild } = await import('./commands/rebuild.js');
      const options = optionsOf<{ verify?: boolean }>(command);
      const wanted = { projection: projection ?? null, onlyCompare: options.verify === true };
      await run((call) => rebuild(call, wanted))(options);
    });
  program
    .command('verify')
    .description('check the log, and every read model against it')
    .action(async (_, command: Command) => {
      const { verify } = await import('./commands/verify.js');
      await run(verify)(optionsOf(command));
    });
  program
    .command('copy-log')
    .description('copy the log from PostgreSQL to EventStoreDB (EVENT_STORE_URL), and compare')
    .action(async (_, command: Command) => {
      const { copyLogToEventStore } = await import('./commands/copy-log.js');
      await run(copyLogToEventStore)(optionsOf(command));
    });
}

function addKeeping(program: Command, run: Run): void {
  program
    .command('backup <file>')
    .description('the log to FILE and the keys to FILE.keys, while the system runs')
    .action(async (file: string, _, command: Command) => {
      const { backup } = await import('./commands/backup.js');
      await run((call) => backup(call, file))(optionsOf(command));
    });
  program
    .command('restore <file>')
    .description('FILE and FILE.keys into a new data folder or an empty database, verified')
    .action(async (file: string, _, command: Command) => {
      const { restore } = await import('./commands/restore.js');
      await run((call) => restore(call, file))(optionsOf(command));
    });
}

const optionsOf = <Own extends object = object>(command: Command): Options<Own> =>
  command.optsWithGlobals<Options<Own>>();
