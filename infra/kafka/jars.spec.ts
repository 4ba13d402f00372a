import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kafkaJars } from './jars.js';
import { findJava } from './java.js';

let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'merit-jars-'));
  await mkdir(path.join(folder, 'bin'));
  env = {
    PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin`,
    XDG_CACHE_HOME: path.join(folder, 'cache'),
  };
});
afterEach(() => rm(folder, { recursive: true }));

async function program(name: string, script: string): Promise<void> {
  const file = path.join(folder, 'bin', name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

/** A Maven that takes a moment, counts its calls and does what `ending` says. */
const maven = (ending: string): Promise<void> =>
  program(
    'mvn',
    `echo called >> ${folder}/calls
     for one in "$@"; do case "$one" in -DoutputDirectory=*) out="\${one#*=}";; esac; done
     echo jar > "$out/kafka-clients-4.jar"
     sleep 0.2
     ${ending}`,
  );
const WHOLE = 'echo jar > "$out/kafka-server-4.jar"';

describe('the jars of Kafka', () => {
  it('are fetched once by two that start at once', async () => {
    await maven(WHOLE);
    const [one, two] = await Promise.all([kafkaJars(env), kafkaJars(env)]);
    expect(one).toBe(two);
    expect((await readdir(one)).sort()).toEqual(['kafka-clients-4.jar', 'kafka-server-4.jar']);
    expect(await readFile(path.join(folder, 'calls'), 'utf8')).toBe('called\n');
    expect(await readdir(path.join(folder, 'cache/merit-ledger'))).toEqual([path.basename(one)]);
  });

  it('are fetched again when they were cut off, and nothing of it stays', async () => {
    await maven('echo "could not transfer artifact"; exit 1');
    await expect(kafkaJars(env)).rejects.toThrow(/Maven could not get.*\n.*could not transfer/);
    await maven(WHOLE);
    const jars = await kafkaJars(env);
    expect(await readdir(path.join(folder, 'cache/merit-ledger'))).toEqual([path.basename(jars)]);
  });

  it('are not taken for whole when Maven brings something else', async () => {
    await maven('true');
    await expect(kafkaJars(env)).rejects.toThrow('has no Kafka in it');
  });

  it('do not wait for one who was killed while fetching', async () => {
    await maven(WHOLE);
    const cache = path.join(folder, 'cache/merit-ledger');
    await mkdir(path.join(cache, 'kafka-new-cut'), { recursive: true });
    await writeFile(path.join(cache, 'kafka.lock'), '2147483646');
    const jars = await kafkaJars(env);
    expect(await readdir(cache)).toEqual([path.basename(jars)]);
  });

  it('need Maven, and say how it comes', async () => {
    env = { ...env, PATH: path.join(folder, 'bin') };
    await expect(kafkaJars(env)).rejects.toThrow(/no mvn: apt-get install -y maven openjdk-17/);
  });
});

describe('the Java that Kafka needs', () => {
  const reported = (version: string): Promise<void> =>
    program('java', `echo 'openjdk version "${version}" 2025' >&2`);

  it.each(['17.0.15', '21', '25.0.1'])('may be %s', async (version) => {
    await reported(version);
    await expect(findJava(env)).resolves.toBe('java');
  });

  it.each(['11.0.2', '1.8.0_412'])('may not be %s', async (version) => {
    await reported(version);
    await expect(findJava(env)).rejects.toThrow(/needs Java 17 or later, java is .*: apt-get/);
  });

  it('is that of JAVA_HOME, and missing there is told', async () => {
    const home = path.join(folder, 'home');
    await expect(findJava({ ...env, JAVA_HOME: home })).rejects.toThrow(`JAVA_HOME (${home})`);
    await expect(findJava({ PATH: path.join(folder, 'bin') })).rejects.toThrow('there is no java');
  });
});
