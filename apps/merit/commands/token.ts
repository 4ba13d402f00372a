import { DomainError } from '#kernel';
import { openLocalIssuer, type Role, ROLES } from '#platform';
import type { Call } from '../call.js';
import { requireFormat } from '../formats.js';
import { standardOutput, writeJson } from '../output.js';
import { createSession } from '../session.js';

const HOUR_SECONDS = 3600;
const DEFAULT_HOURS = 12;
const MAX_HOURS = 366 * 24;

type TokenOptions = {
  readonly role: readonly string[];
  readonly subject: string;
  readonly validHours?: string;
};

/** A token of the local issuer, for a start without an identity provider. */
export async function token({ env, options }: Call, asked: TokenOptions): Promise<void> {
  requireFormat(options.format, ['table', 'json']);
  const roles = requireRoles(asked.role);
  const validForSeconds = requireHours(asked.validHours) * HOUR_SECONDS;
  const { configuration } = createSession(env, options);
  if (configuration.identityProvider !== null) {
    const { issuer } = configuration.identityProvider;
    throw new DomainError(
      'identity-provider-configured',
      { issuer },
      `tokens are issued by ${issuer} (MERIT_ISSUER), and no others are accepted; get one there`,
    );
  }
  const now = new Date();
  const issuer = await openLocalIssuer(configuration.tokenKeyFile);
  const text = await issuer.issue({ subject: asked.subject, roles, validForSeconds, now });
  const expiresAt = new Date(now.getTime() + validForSeconds * 1000).toISOString();
  if (options.format === 'json') await writeJson(standardOutput, { token: text, expiresAt });
  else await standardOutput.write(`${text}\n`);
}

function requireRoles(given: readonly string[]): readonly Role[] {
  const known: readonly string[] = ROLES;
  const unknown = given.find((role) => !known.includes(role));
  if (unknown === undefined && given.length > 0) return [...new Set(given)] as Role[];
  const option = unknown === undefined ? '--role is missing' : `--role ${unknown} is unknown`;
  throw new DomainError('wrong-usage', {}, `${option}: it is one of ${ROLES.join(', ')}`);
}

function requireHours(text: string | undefined): number {
  const hours = text === undefined ? DEFAULT_HOURS : Number(text);
  if (Number.isInteger(hours) && hours >= 1 && hours <= MAX_HOURS) return hours;
  const allowed = `a whole number from 1 to ${MAX_HOURS}`;
  throw new DomainError('wrong-usage', {}, `--valid-hours must be ${allowed}`);
}
