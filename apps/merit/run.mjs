#!/usr/bin/env node
import { launch } from '../../infra/launcher/launch.mjs';

await launch('merit', 'apps/merit/main.js');
