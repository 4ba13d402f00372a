#!/usr/bin/env node
import { launch } from '../launcher/launch.mjs';

await launch('kafka', 'infra/kafka/main.js');
