import { DomainError } from '#kernel';

/** Whose tokens the system issues itself: only this machine is let in. */
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

export const isLocalHost = (host: string): boolean => LOCAL_HOSTS.has(host);

/** Error: DomainError `host-not-local`. */
export function requireLocalHost(host: string): void {
  if (isLocalHost(host)) return;
  throw new DomainError(
    'host-not-local',
    { host },
    `MERIT_HOST is ${host}: without an identity provider the API answers this machine alone; ` +
      'leave MERIT_HOST out, or set MERIT_ISSUER, MERIT_AUDIENCE and MERIT_JWKS',
  );
}
