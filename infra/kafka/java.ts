import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { KafkaTrouble } from './trouble.js';

const run = promisify(execFile);

const LEAST_JAVA = 17;
export const INSTALL = 'apt-get install -y maven openjdk-17-jre-headless';

type Failed = Error & { code?: string | number; stderr?: string; stdout?: string };

/** The command `java` of JAVA_HOME or of the path, once it is known to be new enough. */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const home = env['JAVA_HOME'];
  const java = home ? path.join(home, 'bin', 'java') : 'java';
  const told = await run(java, ['-version'], { env }).catch((error: Failed) => {
    if (error.code === 'ENOENT') {
      const where = home ? `JAVA_HOME (${home}) has no bin/java` : 'there is no java';
      throw new KafkaTrouble(`Kafka needs Java ${LEAST_JAVA} or later, and ${where}: ${INSTALL}`);
    }
    throw new KafkaTrouble(`${java} -version failed: ${error.stderr || error.message}`);
  });
  const version = /version "([^"]+)"/.exec(`${told.stderr}${told.stdout}`)?.[1] ?? 'unknown';
  // Java 8 calls itself 1.8.
  const major = Number(/^(?:1\.)?(\d+)/.exec(version)?.[1] ?? 0);
  if (major < LEAST_JAVA) {
    throw new KafkaTrouble(
      `Kafka needs Java ${LEAST_JAVA} or later, ${java} is ${version}: ${INSTALL}` +
        `, and let JAVA_HOME name it`,
    );
  }
  return java;
}

/** Runs Maven; what it says is the message when it fails. */
export async function runMaven(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const options = { env, maxBuffer: 64 * 1024 ** 2 };
  await run('mvn', ['-q', '-B', ...args], options).catch((error: Failed) => {
    if (error.code === 'ENOENT') {
      throw new KafkaTrouble(`Kafka comes by Maven, and there is no mvn: ${INSTALL}`);
    }
    const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim() || error.message;
    const first = said.split('\n').slice(0, 12).join('\n');
    throw new KafkaTrouble(`Maven could not get Kafka's jars:\n${first}`);
  });
}
