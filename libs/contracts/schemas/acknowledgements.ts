import { counted, id, positiveAmountMinor } from './forms.js';

const batchId = { ...id, description: 'Also the Kafka key.' } as const;

export const batchAccepted = {
  title: 'Batch accepted',
  description: 'Payroll took the batch over. It cannot be rejected any more.',
  type: 'object',
  required: ['batchId'],
  properties: { batchId },
} as const;

/** What a figure or a hash can look like: no room for a text about people. */
const figure = { type: 'string', pattern: '^[-0-9a-f]{1,64}$' } as const;

export const batchRejected = {
  title: 'Batch rejected',
  description:
    'Payroll disputes the batch and pays nothing of it. Reasons are codes and figures: names and ' +
    'free texts do not belong here.',
  type: 'object',
  required: ['batchId', 'reasons'],
  properties: {
    batchId,
    reasons: {
      type: 'array',
      minItems: 1,
      maxItems: 20,
      items: {
        type: 'object',
        required: ['code'],
        properties: {
          code: {
            type: 'string',
            maxLength: 64,
            pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$',
            description:
              'line-count-differs, sum-differs, hash-differs, lines-out-of-order, ' +
              'message-invalid, account-manager-unknown, pay-period-closed, or one of your own.',
          },
          ordinal: { ...counted, description: 'The line meant.' },
          expected: { ...figure, description: 'What the batch says: a count, a sum, a hash.' },
          actual: { ...figure, description: 'What was found instead.' },
        },
      },
    },
  },
} as const;

const payment = {
  type: 'object',
  required: ['batchId', 'accountManagerId', 'amountMinor'],
  properties: {
    batchId,
    accountManagerId: { ...id, description: 'Whose payment it is.' },
    amountMinor: { ...positiveAmountMinor, description: 'In minor units; above 0.' },
  },
} as const;

export const paymentSettled = {
  title: 'Payment settled',
  description: 'Money of the batch reached the person.',
  ...payment,
} as const;

export const paymentReturned = {
  title: 'Payment returned',
  description:
    'Money of the batch came back, or could not be paid. It is paid in a later batch, never ' +
    'again in this one.',
  ...payment,
} as const;
