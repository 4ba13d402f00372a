import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import gossipService from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { type AppendContext, asksForLeader, serveAppend, serveBatchAppend } from './appends.js';
import { type CallError, notLeader } from './messages.js';
import { type ReadContext, serveRead } from './reads.js';

export const HOST = '127.0.0.1';
const SERVER_VERSION = '24.10.0';
/** The client may send appends of 3 MiB in one message; grpc-js takes 4 MB by default. */
const MAX_MESSAGE_BYTES = 17 * 1024 * 1024;

export type ClusterView = {
  readonly members: () => readonly {
    readonly port: number;
    readonly isLeader: boolean;
    readonly isAlive: boolean;
  }[];
  readonly leaderPort: () => number;
  readonly supportsBatchAppend: boolean;
};

export type ServerNode = {
  readonly port: number;
  readonly isListening: () => boolean;
  readonly start: () => Promise<void>;
  /** At once, as a killed process: open calls end with an error on the client's side. */
  readonly stop: () => void;
};

type NodeContext = ReadContext & Pick<AppendContext, 'counts'>;

/** One node; binds to a free port the first time and to the same one ever after. */
export async function createNode(context: NodeContext, cluster: ClusterView): Promise<ServerNode> {
  let port = 0;
  let server: Server | null = null;
  const refusal = (): CallError | null =>
    cluster.leaderPort() === port ? null : notLeader(HOST, cluster.leaderPort());
  const appends: AppendContext = {
    ...context,
    notLeader: refusal,
    leaderAddress: () => notLeader(HOST, cluster.leaderPort()),
  };
  const start = async (): Promise<void> => {
    if (server !== null) return;
    const made = createServer({ ...context }, appends, cluster);
    port = await bind(made, port);
    server = made;
  };
  await start();
  return {
    port,
    isListening: () => server !== null,
    start,
    stop: () => {
      server?.forceShutdown();
      server = null;
    },
  };
}

const BIND_ATTEMPTS = 50;

/** The port of a server that has just been stopped may need a moment. */
async function bind(server: Server, port: number): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await new Promise<number>((resolve, reject) => {
        server.bindAsync(`${HOST}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
          if (error === null) resolve(bound);
          else reject(error);
        });
      });
    } catch (error) {
      if (attempt === BIND_ATTEMPTS) throw error;
      await wait(20);
    }
  }
}

function createServer(reads: ReadContext, appends: AppendContext, cluster: ClusterView): Server {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  // What is left out here (delete, tombstone) grpc-js answers with UNIMPLEMENTED.
  const streams: UntypedServiceImplementation = {
    read: (call: Parameters<typeof serveRead>[0]) => {
      const refused = asksForLeader(call) ? appends.notLeader() : null;
      if (refused !== null) call.emit('error', refused);
      else void serveRead(call, reads);
    },
    append: (call: Parameters<typeof serveAppend>[0], respond: Parameters<typeof serveAppend>[1]) =>
      serveAppend(call, respond, appends),
    batchAppend: (call: Parameters<typeof serveBatchAppend>[0]) => serveBatchAppend(call, appends),
  };
  server.addService(streamsService.StreamsService, streams);
  server.addService(gossipService.GossipService, { read: serveGossip(cluster) });
  server.addService(featuresService.ServerFeaturesService, {
    getSupportedMethods: serveFeatures(cluster.supportsBatchAppend),
  });
  return server;
}

type Respond<Response> = (error: null, response: Response) => void;

function serveGossip({ members }: ClusterView) {
  return (_call: unknown, respond: Respond<InstanceType<typeof gossip.ClusterInfo>>): void => {
    const { LEADER, FOLLOWER } = gossip.MemberInfo.VNodeState;
    const known = members().map(({ port, isLeader, isAlive }) =>
      new gossip.MemberInfo()
        .setInstanceId(new shared.UUID().setString(randomUUID()))
        .setTimeStamp(String(Date.now()))
        .setState(isLeader ? LEADER : FOLLOWER)
        .setIsAlive(isAlive)
        .setHttpEndPoint(new gossip.EndPoint().setAddress(HOST).setPort(port)),
    );
    const info = new gossip.ClusterInfo();
    info.setMembersList(known);
    respond(null, info);
  };
}

function serveFeatures(supportsBatchAppend: boolean) {
  const names = ['read', 'append', ...(supportsBatchAppend ? ['batchappend'] : [])];
  return (
    _call: unknown,
    respond: Respond<InstanceType<typeof features.SupportedMethods>>,
  ): void => {
    const supported = new features.SupportedMethods().setEventStoreServerVersion(SERVER_VERSION);
    for (const name of names) {
      const method = new features.SupportedMethod()
        .setServiceName('event_store.client.streams.streams')
        .setMethodName(name);
      method.setFeaturesList(name === 'read' ? ['position', 'events'] : []);
      supported.addMethods(method);
    }
    respond(null, supported);
  };
}
