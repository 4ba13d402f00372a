import { createInterface } from 'node:readline';
import { type EventStoreDoubleOptions, type FaultRule, openEventStoreDouble } from './index.js';

// A process of its own: options as JSON in the first argument; says {"url": …} on stdout. Then
// each line of stdin is an order, answered by a line: {"arm": rule}, {"set": {…}},
// {"restart": true}, {"elect": node}, {"statistics": true}. It ends when stdin ends.
type Order = {
  readonly arm?: FaultRule;
  readonly clear?: true;
  readonly set?: { readonly slowReadsMs?: number; readonly maxAppendBytes?: number };
  readonly restart?: true;
  readonly elect?: number;
  readonly statistics?: true;
};

const double = await openEventStoreDouble(
  JSON.parse(process.argv[2] ?? '{}') as Omit<EventStoreDoubleOptions, 'firstPosition'>,
);
const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

async function obey(order: Order): Promise<object> {
  if (order.arm !== undefined) double.faults.arm(order.arm);
  if (order.clear === true) double.faults.clear();
  if (order.set !== undefined) Object.assign(double.faults, order.set);
  if (order.elect !== undefined) double.elect(order.elect);
  if (order.restart === true) await double.restart();
  return double.statistics();
}

say({ url: double.url });
for await (const line of createInterface({ input: process.stdin })) {
  say(await obey(JSON.parse(line) as Order));
}
await double.close();
