import 'reflect-metadata';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADMITS, CONTROLLERS } from '../../apps/api/index.js';
import { ROLES } from '#platform';

const AREAS_FOLDER = join(process.cwd(), 'apps/api/areas');
/** NestJS keeps a route's path under this key. */
const PATH = 'path';

type Route = { readonly name: string; readonly admits: unknown };

function routesOf(controller: (typeof CONTROLLERS)[number]): Route[] {
  const prototype = controller.prototype as object;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
    if (name === 'constructor' || typeof method !== 'function') return [];
    if (!Reflect.hasMetadata(PATH, method)) return [];
    const admits: unknown = Reflect.getMetadata(ADMITS, method);
    return [{ name: `${controller.name}.${name}`, admits }];
  });
}

describe('the routes of the API', () => {
  const routes = CONTROLLERS.flatMap(routesOf);

  it('declare whom they admit, each of them', () => {
    const known = new Set<unknown>([...ROLES, 'anyone']);
    const undeclared = routes.filter(
      ({ admits }) =>
        !Array.isArray(admits) || admits.length === 0 || !admits.every((role) => known.has(role)),
    );
    expect(undeclared).toEqual([]);
    expect(routes.length).toBeGreaterThanOrEqual(14);
  });

  it('are all in controllers that the module knows', async () => {
    const found = await readdir(AREAS_FOLDER, { recursive: true });
    const files = found.filter((file) => file.endsWith('controller.ts'));
    const texts = await Promise.all(
      files.map((file) => readFile(join(AREAS_FOLDER, file), 'utf8')),
    );
    const named = texts.flatMap((text) =>
      [...text.matchAll(/export class (\w+Controller)/g)].map((match) => match[1]),
    );
    expect(named.toSorted()).toEqual(CONTROLLERS.map(({ name }) => name).toSorted());
    // A decorator of a route that is declared twice would count once.
    const count =
      texts.join('').match(/@(Get|Post|PostBatch|Put|Patch|Delete|All|Sse)\(/g)?.length ?? 0;
    expect(count).toBe(routes.length);
  });
});
