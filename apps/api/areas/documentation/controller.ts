import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Controller, Get, Header, Inject, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { asyncApiDocument, SCHEMA_FILES, schemaDocument } from '#contracts';
import { Admits } from '../../admits.js';
import { OneOf } from '../../fields.js';
import { ApiDocument } from '../../openapi.js';

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Merit Ledger · API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`;
/** No validator of somebody else's, and no token kept in the browser. */
const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#ui',
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
`;
const TYPES = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'start.js': 'text/javascript; charset=utf-8',
} as const;
type PageFile = keyof typeof TYPES;

/** As loose as the page needs: it styles itself inline and draws its icons from data URLs. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";

class FilePath {
  @OneOf(Object.keys(TYPES), { example: 'start.js' })
  file!: PageFile;
}

class SchemaPath {
  @OneOf([...SCHEMA_FILES.keys()], {
    example: 'org.meritledger.payroll.bonus-line.v1.schema.json',
  })
  file!: string;
}

@Controller()
export class DocumentationController {
  constructor(@Inject(ApiDocument) private readonly document: ApiDocument) {}

  @Get('openapi.json')
  @Admits('anyone')
  @Header('content-type', 'application/json; charset=utf-8')
  openapi() {
    return this.document.json();
  }

  /** The messages over Kafka. */
  @Get('asyncapi.json')
  @Admits('anyone')
  @Header('content-type', 'application/json; charset=utf-8')
  asyncapi() {
    return asyncApiDocument();
  }

  /** The JSON Schema of one message type. */
  @Get('schemas/:file')
  @Admits('anyone')
  @Header('content-type', 'application/schema+json; charset=utf-8')
  schema(@Param() { file }: SchemaPath) {
    const type = SCHEMA_FILES.get(file);
    return type && schemaDocument(type);
  }

  @Get('docs')
  @Admits('anyone')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  page() {
    return PAGE;
  }

  @Get('docs/:file')
  @Admits('anyone')
  async file(@Param() { file }: FilePath, @Res() reply: FastifyReply): Promise<void> {
    const bytes = file === 'start.js' ? START : await readFile(require.resolve(PACKAGE + file));
    await reply.header('content-type', TYPES[file]).send(bytes);
  }
}

const require = createRequire(import.meta.url);
const PACKAGE = 'swagger-ui-dist/';
