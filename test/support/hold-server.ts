import { openEmbeddedServer, type OpenMode } from '../../libs/platform/embedded-postgres.js';

// A process of its own that opens a folder's server, says so on stdout and holds it until its
// stdin ends. Arguments: folder, mode.
const [dataDir = '', mode = 'attach'] = process.argv.slice(2);
const server = await openEmbeddedServer({
  dataDir,
  mode: mode as OpenMode,
  durable: false,
  sharedBuffersBytes: 32 * 1024 ** 2,
});
process.stdout.write(`${JSON.stringify({ isOwner: server.isOwner })}\n`);
process.stdin.resume();
process.stdin.on('end', () => void server.close());
