import { DomainError } from '#kernel';

/** What the client knows, as it compares names: without case, hyphens and underscores. */
const OPTIONS: ReadonlySet<string> = new Set([
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'keepaliveinterval',
  'keepalivetimeout',
  'maxdiscoverattempts',
  'nodepreference',
  'throwonappendfailure',
  'tls',
  'tlscafile',
  'tlsverifycert',
  'usercertfile',
  'userkeyfile',
]);

/**
 * The URL as the client takes it. What the client would answer with a warning that repeats the
 * URL, password and all, is refused here; so is what it would read as something else.
 */
export function clientUrl(url: string): string {
  // The newer name of the scheme; this client knows the older one alone.
  const text = url.trim().replace(/^kurrentdb(?=(\+discover)?:\/\/)/, 'esdb');
  const place = text.replace(/^[^:]+:\/\//, '');
  const credentials = /^[^:]+:[^@]+@/.exec(place)?.[0] ?? '';
  // It would cut the password at the second colon, and take what follows `?` for a password.
  if (/[:?].*[:?]/.test(credentials)) {
    throw invalidUrl('a URL whose user and password are percent-encoded (: as %3A, ? as %3F)');
  }
  const [, query = ''] = place.slice(credentials.length).split('?', 2);
  for (const pair of query.split('&').filter((one) => one !== '')) {
    const [name = '', value = ''] = pair.split('=', 2);
    const option = name.trim().toLowerCase().replace(/[_-]/g, '');
    if (!OPTIONS.has(option)) {
      throw invalidUrl(`a URL with no other options than ${[...OPTIONS].join(', ')}`);
    }
    if (option === 'tlsverifycert' && value.trim() === 'false') {
      throw invalidUrl('a URL without tlsVerifyCert=false: name the certificate by tlsCAFile');
    }
    if (option === 'throwonappendfailure' && value.trim() === 'false') {
      // A conflict would come as an answer whose revision is wrong.
      throw invalidUrl('a URL without throwOnAppendFailure=false');
    }
  }
  return text;
}

/** Of the client's error of parsing: it repeats the URL in its message and in a member. */
type ParseFailure = { readonly expected: string; readonly location: readonly [number, number] };

/** What the client says of a URL, without the URL. */
export function refusedByClient(thrown: unknown): DomainError {
  if (isParseFailure(thrown)) {
    return invalidUrl(`a URL with ${thrown.expected} at character ${thrown.location[0] + 1}`);
  }
  return invalidUrl(`a URL that the client can use (${(thrown as Error).message})`);
}

const isParseFailure = (thrown: unknown): thrown is ParseFailure =>
  thrown instanceof Error && 'connectionString' in thrown;

/** As of every other setting that is wrong, and without its value, which may hold a password. */
const invalidUrl = (allowed: string): DomainError =>
  new DomainError(
    'configuration-invalid',
    { settings: ['EVENT_STORE_URL'] },
    `EVENT_STORE_URL must be ${allowed}`,
  );
