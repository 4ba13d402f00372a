import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

/**
 * Module hooks that let plain Node import this project's TypeScript. Jest's own way of loading a
 * global set-up knows neither `.js` for `.ts` nor the condition behind `#kernel`.
 */
export async function resolve(specifier, context, next) {
  const conditions = [...context.conditions, 'merit-source'];
  const fromSource = context.parentURL?.endsWith('.ts') && /^\.{1,2}\/.*\.js$/.test(specifier);
  const wanted = fromSource ? specifier.replace(/\.js$/, '.ts') : specifier;
  return next(wanted, { ...context, conditions });
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const file = fileURLToPath(url);
  const { code } = await transform(await readFile(file, 'utf8'), {
    filename: file,
    swcrc: false,
    module: { type: 'es6' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
    },
    sourceMaps: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
}
