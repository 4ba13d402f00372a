import { payrollInboxAggregate } from '#commands';
import { MAX_DISCARDED, payrollInboxStream } from '#contexts/payroll-inbox';
import { Ids, Sha256 } from '../../fields.js';
import { decideOn, writeCommand } from '../../write-command.js';

export class ParkedKeyPath {
  @Sha256({ description: 'Of the Kafka key, as the list of parked keys names it' })
  keyDigest!: string;
}

export class ReleaseKeyBody {
  @Ids(MAX_DISCARDED, {
    optional: true,
    example: ['6f1f7d0e-2f53-5d0c-9a52-3b0c6b7a1d01'],
    description: 'Messages that are given up; all others that wait are taken in their order',
  })
  discardInboxIds?: string[];
}

/** The relay reads the topic again from the first message that waits and is not given up. */
export const releaseKey = writeCommand(
  (writing, { keyDigest, discardInboxIds = [] }: ReleaseKeyBody & ParkedKeyPath) => {
    const releasedBy = writing.call.caller.id;
    const data = { keyDigest, releasedBy, discardedInboxIds: discardInboxIds };
    return decideOn(writing, {
      aggregate: payrollInboxAggregate,
      stream: payrollInboxStream(keyDigest),
      id: keyDigest,
      command: { type: 'payroll-inbox.ReleaseKey', data },
      facts: () => undefined,
    });
  },
);
