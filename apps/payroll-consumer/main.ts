import { parseArgs } from 'node:util';
import { DomainError } from '#kernel';
import { fetchBatches, followBatches, settle, showStatus } from './commands.js';

const USAGE = `usage: payroll-consumer COMMAND [--state DIR]
  follow                                    read batches from Kafka until a signal (KAFKA_BROKERS)
  fetch [BATCH …] --http URL                read them over HTTP, once
  settle BATCH [--http URL]                 every payment of the batch reached its person
  settle BATCH --return PERSON AMOUNT       money of one person came back (minor units)
  status                                    what is known of each batch
  --state DIR      what was read and decided (default .payroll)
  --group NAME     of the consumer; another one reads everything again, which pays nothing twice
  --currency CODE  what payroll pays in (default CNY)
  --token TOKEN    for --http; or the variable PAYROLL_TOKEN`;

const OPTIONS = {
  state: { type: 'string', default: '.payroll' },
  currency: { type: 'string', default: 'CNY' },
  group: { type: 'string', default: 'payroll-consumer' },
  http: { type: 'string' },
  token: { type: 'string' },
  return: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const say = (line: string): void => void process.stderr.write(`payroll-consumer: ${line}\n`);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

class WrongUsage extends Error {}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) return print(USAGE);
  const context = {
    stateFolder: values.state,
    currency: values.currency,
    group: values.group,
    http: values.http ?? null,
    token: values.token ?? process.env.PAYROLL_TOKEN ?? null,
    env: process.env,
    say,
    print,
  };
  if (command === 'follow' && rest.length === 0) return followBatches(context);
  if (command === 'fetch') return fetchBatches(context, rest);
  if (command === 'status' && rest.length === 0) return showStatus(context);
  const [batchId, accountManagerId, amountMinor, ...more] = rest;
  if (command === 'settle' && batchId !== undefined && more.length === 0) {
    if (!values.return && accountManagerId === undefined) return settle(context, batchId, null);
    if (values.return && accountManagerId !== undefined && amountMinor !== undefined) {
      return settle(context, batchId, { accountManagerId, amountMinor });
    }
  }
  throw new WrongUsage(`${command}: wrong arguments`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error));
  }
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof WrongUsage;
  const isTold = isUsage || error instanceof DomainError;
  say(
    isTold
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  );
  if (isUsage) say(USAGE);
  process.exitCode = isUsage ? 2 : 1;
}
