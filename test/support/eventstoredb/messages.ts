import shared from '@eventstore/db-client/generated/shared_pb.js';
import status from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Code } from '@eventstore/db-client/generated/code_pb.js';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { AppendOutcome, Expected, LogRecord } from './log.js';

/** Status and trailers as grpc-js takes them for an error of a call. */
export type CallError = Error & {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
};

export function callError(
  code: number,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): CallError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export const notLeader = (host: string, port: number): CallError =>
  callError(grpcStatus.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': host,
    'leader-endpoint-port': String(port),
  });

export const maxAppendSizeExceeded = (bytes: number): CallError =>
  callError(grpcStatus.INVALID_ARGUMENT, `Maximum Append Size of ${bytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(bytes),
  });

export const operationTimeout = (): CallError =>
  callError(grpcStatus.ABORTED, 'Operation timed out: Forward timeout');

export function streamIdentifier(name: string): InstanceType<typeof shared.StreamIdentifier> {
  return new shared.StreamIdentifier().setStreamName(Uint8Array.from(Buffer.from(name, 'utf8')));
}

export const streamNameOf = (
  identifier: { getStreamName_asU8(): Uint8Array } | undefined,
): string => Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');

/** UUIDs come as text from this client; the protocol also knows two 64-bit halves. */
export function uuidText(
  uuid: { getString(): string; hasStructured(): boolean } | undefined,
): string {
  if (uuid === undefined || uuid.hasStructured()) {
    throw callError(grpcStatus.INVALID_ARGUMENT, 'the double takes UUIDs as text');
  }
  return uuid.getString().toLowerCase();
}

type BatchResponse = InstanceType<typeof streams.BatchAppendResp>;
type BatchCorrelation = { readonly correlationId: string; readonly stream: string };

const batchResponse = ({ correlationId, stream }: BatchCorrelation): BatchResponse =>
  new streams.BatchAppendResp()
    .setCorrelationId(new shared.UUID().setString(correlationId))
    .setStreamIdentifier(streamIdentifier(stream));

function batchError(
  to: BatchCorrelation,
  code: Code,
  message: string,
  detail: { readonly name: string; readonly bytes: Uint8Array },
): BatchResponse {
  const any = new anyPb.Any();
  any.pack(detail.bytes, detail.name);
  const error = new status.Status().setCode(code).setMessage(message).setDetails(any);
  return batchResponse(to).setError(error);
}

export function batchOutcome(
  to: BatchCorrelation,
  expected: Expected,
  outcome: AppendOutcome,
): BatchResponse {
  if (outcome.kind === 'wrong-revision') return batchConflict(to, expected, outcome.current);
  const position = new shared.AllStreamPosition()
    .setCommitPosition(String(outcome.position))
    .setPreparePosition(String(outcome.position));
  const done = new streams.BatchAppendResp.Success()
    .setCurrentRevision(String(outcome.revision))
    .setPosition(position);
  return batchResponse(to).setSuccess(done);
}

function batchConflict(
  to: BatchCorrelation,
  expected: Expected,
  current: number | null,
): BatchResponse {
  const detail = new shared.WrongExpectedVersion();
  if (current === null) detail.setCurrentNoStream(new emptyPb.Empty());
  else detail.setCurrentStreamRevision(String(current));
  if (expected === 'any') detail.setExpectedAny(new emptyPb.Empty());
  else if (expected === 'no_stream') detail.setExpectedNoStream(new emptyPb.Empty());
  else if (expected === 'stream_exists') detail.setExpectedStreamExists(new emptyPb.Empty());
  else detail.setExpectedStreamPosition(String(expected));
  return batchError(to, grpcStatus.ALREADY_EXISTS as number as Code, 'WrongExpectedVersion', {
    name: 'event_store.client.WrongExpectedVersion',
    bytes: detail.serializeBinary(),
  });
}

export const batchTooLarge = (to: BatchCorrelation, limitBytes: number): BatchResponse =>
  batchError(to, grpcStatus.INVALID_ARGUMENT as number as Code, 'Maximum Append Size Exceeded', {
    name: 'event_store.client.MaximumAppendSizeExceeded',
    bytes: new shared.MaximumAppendSizeExceeded().setMaxappendsize(limitBytes).serializeBinary(),
  });

export const batchTimeout = (to: BatchCorrelation): BatchResponse =>
  batchError(to, grpcStatus.DEADLINE_EXCEEDED as number as Code, 'Timeout', {
    name: 'event_store.client.Timeout',
    bytes: new shared.Timeout().serializeBinary(),
  });

export function appendOutcome(
  expected: Expected,
  outcome: AppendOutcome,
): InstanceType<typeof streams.AppendResp> {
  if (outcome.kind === 'success') {
    const position = new streams.AppendResp.Position()
      .setCommitPosition(String(outcome.position))
      .setPreparePosition(String(outcome.position));
    return new streams.AppendResp().setSuccess(
      new streams.AppendResp.Success()
        .setCurrentRevision(String(outcome.revision))
        .setPosition(position),
    );
  }
  const detail = new streams.AppendResp.WrongExpectedVersion();
  if (outcome.current === null) detail.setCurrentNoStream(new shared.Empty());
  else detail.setCurrentRevision(String(outcome.current));
  if (expected === 'any') detail.setExpectedAny(new shared.Empty());
  else if (expected === 'no_stream') detail.setExpectedNoStream(new shared.Empty());
  else if (expected === 'stream_exists') detail.setExpectedStreamExists(new shared.Empty());
  else detail.setExpectedRevision(String(expected));
  return new streams.AppendResp().setWrongExpectedVersion(detail);
}

type ReadResponse = InstanceType<typeof streams.ReadResp>;

const eventResponses = new WeakMap<LogRecord, ReadResponse>();

/** Made and serialized once: a record never changes, and is read many times. */
export function eventResponse(record: LogRecord): ReadResponse {
  const known = eventResponses.get(record);
  if (known !== undefined) return known;
  const bytes = makeEventResponse(record).serializeBinary();
  const response = Object.assign(new streams.ReadResp(), { serializeBinary: () => bytes });
  eventResponses.set(record, response);
  return response;
}

function makeEventResponse(record: LogRecord): ReadResponse {
  const event = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(record.id))
    .setStreamIdentifier(streamIdentifier(record.stream))
    .setStreamRevision(String(record.revision))
    .setCommitPosition(String(record.position))
    .setPreparePosition(String(record.position))
    .setData(record.data)
    .setCustomMetadata(record.metadata);
  event
    .getMetadataMap()
    .set('type', record.type)
    .set('content-type', record.contentType)
    .set('created', String(record.createdTicks));
  const read = new streams.ReadResp.ReadEvent()
    .setEvent(event)
    .setCommitPosition(String(record.position));
  return new streams.ReadResp().setEvent(read);
}

export const confirmation = (id: string): ReadResponse =>
  new streams.ReadResp().setConfirmation(
    new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(id),
  );

export const checkpoint = (position: bigint): ReadResponse =>
  new streams.ReadResp().setCheckpoint(
    new streams.ReadResp.Checkpoint()
      .setCommitPosition(String(position))
      .setPreparePosition(String(position)),
  );

export const caughtUp = (): ReadResponse =>
  new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());

export const fellBehind = (): ReadResponse =>
  new streams.ReadResp().setFellBehind(new streams.ReadResp.FellBehind());

export const streamNotFound = (name: string): ReadResponse =>
  new streams.ReadResp().setStreamNotFound(
    new streams.ReadResp.StreamNotFound().setStreamIdentifier(streamIdentifier(name)),
  );
