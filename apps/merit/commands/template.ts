import { writeTemplate } from '#dataset';
import type { Call } from '../call.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson } from '../output.js';

export async function template({ options }: Call, dir: string): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const files = await writeTemplate(dir);
  if (options.format === 'json') await writeJson(standardOutput, { dir, files });
  else await standardOutput.write(`${files.join('\n')}\n`);
}
