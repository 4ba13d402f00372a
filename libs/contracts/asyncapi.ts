import { isInboundType, MESSAGE_TYPES, type MessageType, ROUTES } from './catalogue.js';
import { CONTENT_TYPE, EVENT_SOURCE } from './cloud-event.js';
import { DEAD_LETTER_HEADERS } from './dead-letters.js';
import { exampleMessage } from './examples.js';
import { SCHEMAS } from './schemas/index.js';
import { type Topic, TOPICS } from './topics.js';

const BINDING_VERSION = '0.5.0';

/** What a topic is for, and what its key is, in the words of who reads it. */
const CHANNELS = {
  batches: {
    topic: TOPICS.batches,
    title: 'Sealed bonus batches',
    description:
      'A batch stands in one partition, whole and in order: batch-opened, bonus-line with the ' +
      'ordinals 1 to lineCount, batch-sealed. Read it with isolation level read_committed. ' +
      'A large batch spans several transactions: it is complete when its batch-sealed has come.',
    key: 'Batch id',
    cleanup: 'delete',
  },
  results: {
    topic: TOPICS.results,
    title: 'Results and moves between tiers',
    description: 'Messages of one person follow each other in the order in which they take effect.',
    key: 'Account manager id',
    cleanup: 'delete',
  },
  tiers: {
    topic: TOPICS.tiers,
    title: 'Tiers as they stand',
    description:
      'Compacted: the latest message of a key is the state. A message without a value is a ' +
      'tombstone: the person has left.',
    key: 'Account manager id',
    cleanup: 'compact',
  },
  acknowledgements: {
    topic: TOPICS.acknowledgements,
    title: 'Answers of payroll',
    description:
      'ce_id is taken once, however often it is sent. A record that cannot be read is copied to ' +
      `${TOPICS.deadLetters} with its origin and the error, and later ones of its batch wait.`,
    key: 'Batch id',
    cleanup: 'delete',
  },
  deadLetters: {
    topic: TOPICS.deadLetters,
    title: 'Answers of payroll that could not be read',
    description: 'Look here for what to mend. A record may stand here twice, under one id.',
    key: 'Key of the record',
    cleanup: 'delete',
  },
} as const satisfies Record<string, Channel>;

type Channel = {
  readonly topic: Topic;
  readonly title: string;
  readonly description: string;
  readonly key: string;
  readonly cleanup: 'delete' | 'compact';
};
type ChannelName = keyof typeof CHANNELS;
const CHANNEL_NAMES = Object.keys(CHANNELS) as readonly ChannelName[];

/** `batch-opened` of `org.meritledger.payroll.batch-opened.v1`; a later version says which. */
function messageName(type: MessageType): string {
  const [name = '', version = ''] = type.split('.').slice(-2);
  return version === 'v1' ? name : `${name}-${version}`;
}

/**
 * The messages as an AsyncAPI 3.0 document, seen from Merit Ledger: it sends batches, results and
 * tiers, and receives what payroll answers.
 */
export function asyncApiDocument(): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Merit Ledger · messages',
      version: '1.0.0',
      description:
        'Integration events over Kafka: CloudEvents 1.0 in binary mode, values in JSON, money as ' +
        'strings of minor units. A deployment may set a prefix before every topic. A published ' +
        'schema only grows by optional fields: ignore fields that you do not know.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0.html' },
    },
    defaultContentType: CONTENT_TYPE,
    channels: Object.fromEntries(CHANNEL_NAMES.map((name) => [name, channelOf(CHANNELS[name])])),
    operations: Object.fromEntries(CHANNEL_NAMES.map(operationOf)),
    components: {
      messages: Object.fromEntries([
        ...MESSAGE_TYPES.map((type): [string, object] => [messageName(type), messageOf(type)]),
        [DEAD_LETTER, deadLetter()],
      ]),
    },
  };
}

const DEAD_LETTER = 'dead-letter';

function namesOn(topic: Topic): readonly string[] {
  if (topic === TOPICS.deadLetters) return [DEAD_LETTER];
  return MESSAGE_TYPES.filter((type) => ROUTES[type].topic === topic).map(messageName);
}

function channelOf({ topic, title, description, cleanup }: Channel): object {
  const messages = namesOn(topic).map((name) => [name, { $ref: `#/components/messages/${name}` }]);
  return {
    address: topic,
    title,
    description,
    messages: Object.fromEntries(messages),
    bindings: {
      kafka: {
        topicConfiguration: { 'cleanup.policy': [cleanup] },
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

function operationOf(name: ChannelName): [string, object] {
  const { topic, title } = CHANNELS[name];
  const isReceived = topic === TOPICS.acknowledgements;
  const operation = {
    action: isReceived ? 'receive' : 'send',
    title,
    channel: { $ref: `#/channels/${name}` },
    messages: namesOn(topic).map((of) => ({ $ref: `#/channels/${name}/messages/${of}` })),
  };
  const verb = isReceived ? 'receive' : 'send';
  return [`${verb}${name[0]?.toUpperCase()}${name.slice(1)}`, operation];
}

function messageOf(type: MessageType): object {
  const { title, description } = SCHEMAS[type];
  const { headers, value } = exampleMessage(type);
  const [channel] = CHANNEL_NAMES.filter((name) => CHANNELS[name].topic === ROUTES[type].topic);
  return {
    name: type,
    title,
    summary: description,
    contentType: CONTENT_TYPE,
    headers: headersOf(type),
    payload: SCHEMAS[type],
    examples: [{ name: messageName(type), headers, payload: JSON.parse(value) as unknown }],
    bindings: {
      kafka: {
        key: { type: 'string', description: channel && CHANNELS[channel].key },
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

/** Key, value and headers of the record as they came, and what was wrong with it. */
function deadLetter(): object {
  const { id, topic, partition, offset, code, detail, omittedSha256 } = DEAD_LETTER_HEADERS;
  const text = (description: string) => ({ type: 'string', description });
  return {
    name: DEAD_LETTER,
    title: 'Dead letter',
    summary: 'A record of the answers as it came, with its origin and the error.',
    headers: {
      type: 'object',
      required: [id, topic, partition, offset, code, detail],
      properties: {
        [id]: text('The same for the same record.'),
        [topic]: text('Where it stood.'),
        [partition]: text('A whole number.'),
        [offset]: text('A whole number.'),
        [code]: text('What was wrong: key-mismatch, value-not-json, value-not-valid, …'),
        [detail]: text('The field or header meant and the rule that it breaks; no values.'),
        [omittedSha256]: text('Of a value that was too long to be copied.'),
      },
    },
    payload: { description: 'The value as it came, whatever it is.' },
    bindings: {
      kafka: { key: { description: CHANNELS.deadLetters.key }, bindingVersion: BINDING_VERSION },
    },
  };
}

/** CloudEvents 1.0, Kafka protocol binding, binary content mode. */
function headersOf(type: MessageType): object {
  const isInbound = isInboundType(type);
  const text = (description: string) => ({ type: 'string', description });
  const own = {
    ce_subject: text('The key.'),
    ce_position: text('Place in the log; opaque. Never falls along a topic.'),
  };
  const time = isInbound ? 'When it happened, RFC 3339.' : 'When the source event happened.';
  return {
    type: 'object',
    required: [
      'ce_specversion',
      'ce_id',
      'ce_source',
      'ce_type',
      'content-type',
      ...(isInbound ? [] : ['ce_time', 'ce_subject', 'ce_position']),
    ],
    properties: {
      ce_specversion: { type: 'string', const: '1.0' },
      ce_id: isInbound
        ? { type: 'string', minLength: 1, maxLength: 200, description: 'Of your choice, unique.' }
        : text(
            'UUIDv5 of source event, mapping version and ordinal: a message sent twice has one.',
          ),
      ce_source: isInbound
        ? text('Who sends, as a URI reference.')
        : { type: 'string', const: EVENT_SOURCE },
      ce_type: { type: 'string', const: type },
      ce_time: { type: 'string', format: 'date-time', description: time },
      ...(isInbound ? {} : own),
      'content-type': { type: 'string', const: CONTENT_TYPE },
    },
  };
}
