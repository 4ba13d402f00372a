import { checkPublished, type Outcome, publish, PUBLISHED_FOLDER } from './published-files.js';

/**
 * `node dist/infra/contracts/check.js [--publish]`, from the top of the repository: holds the
 * schemas of the messages against the published ones; with `--publish` publishes what grew.
 */
async function run(options: readonly string[]): Promise<Outcome> {
  const [option, ...rest] = options;
  if (option === undefined) return checkPublished(PUBLISHED_FOLDER);
  if (option === '--publish' && rest.length === 0) return publish(PUBLISHED_FOLDER);
  return { isGood: false, lines: [`unknown: ${options.join(' ')}; known: --publish`] };
}

const { isGood, lines } = await run(process.argv.slice(2));
const stream = isGood ? process.stdout : process.stderr;
for (const line of lines) stream.write(`${line}\n`);
process.exitCode = isGood ? 0 : 1;
