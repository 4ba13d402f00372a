import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import {
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  status as grpcStatus,
} from '@grpc/grpc-js';
import type { ActiveFault, AppendFaultRule, FaultBoard } from './faults.js';
import { type AppendOutcome, type Expected, type ProposedEvent, type ServerLog } from './log.js';
import { sizeOnDisk } from './log.js';
import {
  appendOutcome,
  batchOutcome,
  batchTimeout,
  batchTooLarge,
  callError,
  type CallError,
  maxAppendSizeExceeded,
  operationTimeout,
  streamNameOf,
  uuidText,
} from './messages.js';

export type AppendCounts = { appends: number; batchAppends: number };

export type AppendContext = {
  readonly log: ServerLog;
  readonly faults: FaultBoard;
  readonly counts: AppendCounts;
  /** What a call that asks for the leader gets here; null on the leader. */
  readonly notLeader: () => CallError | null;
  readonly leaderAddress: () => CallError;
};

type Pending = {
  readonly correlationId: string;
  readonly stream: string;
  readonly expected: Expected;
  readonly deadline: number; // ms since 1970
  readonly events: ProposedEvent[];
  bytes: number;
};

/** What becomes of an append: an answer now, later, never, or the end of the stream. */
type Fate =
  | {
      readonly kind: 'answer';
      readonly after: Promise<void> | null;
      readonly outcome: AppendOutcome;
    }
  | { readonly kind: 'too-large' | 'timeout' | 'unanswered' | 'end' }
  | { readonly kind: 'break'; readonly error: CallError };

function fateOf(append: Pending, context: AppendContext): Fate {
  const { log, faults, counts } = context;
  counts.appends += 1;
  if (append.bytes > faults.maxAppendBytes) return { kind: 'too-large' };
  if (append.deadline < Date.now()) return { kind: 'timeout' };
  const fault = faults.forAppend(append.stream);
  const carryOut = (): AppendOutcome => log.append(append.stream, append.expected, append.events);
  if (fault === null) return { kind: 'answer', after: null, outcome: carryOut() };
  return struckFate(append, fault, carryOut, context);
}

function struckFate(
  append: Pending,
  { rule, released }: ActiveFault<AppendFaultRule>,
  carryOut: () => AppendOutcome,
  { log, leaderAddress }: AppendContext,
): Fate {
  if (rule.kind === 'too-large') return { kind: 'too-large' };
  if (rule.kind === 'wrong-revision') {
    const current = log.stream(append.stream).length - 1;
    const outcome = { kind: 'wrong-revision', current: current < 0 ? null : current } as const;
    return { kind: 'answer', after: null, outcome };
  }
  if (rule.kind === 'not-leader') return { kind: 'break', error: leaderAddress() };
  const outcome = rule.carriedOut === false ? null : carryOut();
  switch (rule.kind) {
    case 'unanswered':
      return { kind: 'unanswered' };
    case 'timeout':
      return { kind: 'timeout' };
    case 'end-stream':
      return { kind: 'end' };
    case 'break-stream':
      return {
        kind: 'break',
        error: callError(rule.code ?? grpcStatus.UNAVAILABLE, 'broken by the double'),
      };
    case 'late':
      return {
        kind: 'answer',
        after: rule.delayMs === undefined ? released : delay(rule.delayMs),
        // Carried out as late as it is answered would be another fault: an answer needs a result.
        outcome: outcome ?? carryOut(),
      };
  }
}

const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, ms).unref());

export function serveBatchAppend(
  call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>,
  context: AppendContext,
): void {
  const pending = new Map<string, Pending>();
  let isOver = false;
  const finish = (error: CallError | null): void => {
    if (isOver) return;
    isOver = true;
    pending.clear();
    if (error === null) call.end();
    else call.emit('error', error);
  };
  const answer = (response: BatchAppendResp): void => {
    if (!isOver) call.write(response);
  };
  call.on('cancelled', () => void (isOver = true));
  call.on('end', () => finish(null));
  call.on('data', (request: BatchAppendReq) => {
    if (isOver) return;
    const refused = asksForLeader(call) ? context.notLeader() : null;
    if (refused !== null) return finish(refused);
    const append = gather(pending, request);
    if (append === null || !request.getIsFinal()) return;
    pending.delete(append.correlationId);
    context.counts.batchAppends += 1;
    const fate = fateOf(append, context);
    switch (fate.kind) {
      case 'answer': {
        const response = batchOutcome(append, append.expected, fate.outcome);
        if (fate.after === null) return answer(response);
        void fate.after.then(() => answer(response));
        return;
      }
      case 'too-large':
        return answer(batchTooLarge(append, context.faults.maxAppendBytes));
      case 'timeout':
        return answer(batchTimeout(append));
      case 'end':
        return finish(null);
      case 'break':
        return finish(fate.error);
      case 'unanswered':
        return;
    }
  });
}

function gather(pending: Map<string, Pending>, request: BatchAppendReq): Pending | null {
  const correlationId = uuidText(request.getCorrelationId());
  const options = request.getOptions();
  if (options !== undefined) {
    pending.set(correlationId, {
      correlationId,
      stream: streamNameOf(options.getStreamIdentifier()),
      expected: expectedOf(options, () => options.getStreamPosition()),
      deadline: options.getDeadline()?.toDate().getTime() ?? Infinity,
      events: [],
      bytes: 0,
    });
  }
  const append = pending.get(correlationId);
  if (append === undefined) return null;
  for (const message of request.getProposedMessagesList()) addEvent(append, message);
  return append;
}

type Proposed = ReturnType<BatchAppendReq['getProposedMessagesList']>[number];

function addEvent(append: Pending, message: Proposed): void {
  const properties = message.getMetadataMap();
  const event: ProposedEvent = {
    id: uuidText(message.getId()),
    type: properties.get('type') ?? '',
    contentType: properties.get('content-type') ?? 'application/octet-stream',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
  append.events.push(event);
  append.bytes += sizeOnDisk(event);
}

type ExpectedOptions = { hasAny(): boolean; hasNoStream(): boolean; hasStreamExists(): boolean };

function expectedOf(options: ExpectedOptions, revision: () => string): Expected {
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasStreamExists()) return 'stream_exists';
  return BigInt(revision());
}

type WithMetadata = { readonly metadata: { get(key: string): readonly unknown[] } };

export const asksForLeader = ({ metadata }: WithMetadata): boolean =>
  metadata.get('requires-leader').includes('true');

/** The way of a client that gives credentials with the call, or meets a server before 21.10. */
export function serveAppend(
  call: ServerReadableStream<AppendReq, AppendResp>,
  respond: sendUnaryData<AppendResp>,
  context: AppendContext,
): void {
  let append: Pending | null = null;
  let isOver = false;
  const once: sendUnaryData<AppendResp> = (...answer) => {
    if (!isOver) respond(...answer);
    isOver = true;
  };
  call.on('cancelled', () => void (isOver = true));
  call.on('data', (request: AppendReq) => {
    const options = request.getOptions();
    const message = request.getProposedMessage();
    if (options !== undefined) {
      append = {
        correlationId: '',
        stream: streamNameOf(options.getStreamIdentifier()),
        expected: expectedOf(options, () => options.getRevision()),
        deadline: Infinity,
        events: [],
        bytes: 0,
      };
    }
    if (message !== undefined && append !== null) addEvent(append, message);
  });
  call.on('end', () => {
    if (append === null) return once(callError(grpcStatus.INVALID_ARGUMENT, 'no options'), null);
    const refused = asksForLeader(call) ? context.notLeader() : null;
    if (refused !== null) return once(refused, null);
    const { expected } = append;
    const fate = fateOf(append, context);
    switch (fate.kind) {
      case 'answer':
        void (fate.after ?? Promise.resolve()).then(() =>
          once(null, appendOutcome(expected, fate.outcome)),
        );
        return;
      case 'too-large':
        return once(maxAppendSizeExceeded(context.faults.maxAppendBytes), null);
      case 'timeout':
        return once(operationTimeout(), null);
      case 'break':
        return once(fate.error, null);
      case 'end':
        return once(callError(grpcStatus.UNAVAILABLE, 'ended by the double'), null);
      case 'unanswered':
        return;
    }
  });
}
