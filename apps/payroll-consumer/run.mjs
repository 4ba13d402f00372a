#!/usr/bin/env node
import { launch } from '../../infra/launcher/launch.mjs';

await launch('payroll-consumer', 'apps/payroll-consumer/main.js');
