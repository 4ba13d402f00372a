import { DomainError } from '#kernel';
import { openLocalIssuer, type Role, ROLES } from '#platform';
import type { Call } from '../call.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson } from '../output.js';
import { createSession } from '../session.js';

const HOUR_SECONDS = 3600;
const DEFAULT_HOURS = 12;

type TokenOptions = { readonly role: readonly string[]; readonly subject: string };

/** A token of the local issuer, for a start without an identity provider. */
export async function token({ env, options }: Call, asked: TokenOptions): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const { configuration } = createSession(env, options);
  const issuer = await openLocalIssuer(configuration.tokenKeyFile);
  const text = await issuer.issue({
    subject: asked.subject,
    roles: asked.role.map(requireRole),
    validForSeconds: DEFAULT_HOURS * HOUR_SECONDS,
    now: new Date(),
  });
  if (options.format === 'json') await writeJson(standardOutput, { token: text });
  else await standardOutput.write(`${text}\n`);
}

function requireRole(text: string): Role {
  const found = ROLES.find((role) => role === text);
  if (found) return found;
  throw new DomainError('unknown-role', { role: text }, `--role is one of ${ROLES.join(', ')}`);
}
