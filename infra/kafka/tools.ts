import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { kafkaJars } from './jars.js';
import { findJava } from './java.js';
import { sourceFile } from './project.js';

/** Kafka's own programs, out of the broker's jars. */
export const TOOLS = {
  consoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  producerPerformance: 'org.apache.kafka.tools.ProducerPerformance',
  dumpLogSegments: 'org.apache.kafka.tools.DumpLogSegments',
  reassignPartitions: 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  leaderElection: 'org.apache.kafka.tools.LeaderElectionCommand',
} as const;
export type KafkaTool = keyof typeof TOOLS;

const HEAP = '-Xmx256m';

export type ToolOptions = {
  readonly stdio?: 'inherit' | 'pipe';
  readonly env?: NodeJS.ProcessEnv;
};

/** Its standard output is the tool's alone; errors go to standard error. */
export async function spawnTool(
  tool: KafkaTool,
  args: readonly string[],
  { stdio = 'pipe', env = process.env }: ToolOptions = {},
): Promise<ChildProcess> {
  const java = await findJava(env);
  const classPath = path.join(await kafkaJars(env), '*');
  const logging = `-Dlog4j2.configurationFile=${sourceFile('tools.log4j2.properties')}`;
  const all = [HEAP, logging, '-cp', classPath, TOOLS[tool], ...args];
  return spawn(java, all, { stdio: ['ignore', stdio, stdio], env });
}

/** Its whole output, for one that ends by itself; rejects with what it said when it fails. */
export async function runTool(
  tool: KafkaTool,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<string> {
  const child = await spawnTool(tool, args, { stdio: 'pipe', env });
  const out: Buffer[] = [];
  const said: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => void out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => void said.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return Buffer.concat(out).toString();
  throw new Error(`${tool} ended with ${code}: ${Buffer.concat([...out, ...said]).toString()}`);
}
