import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createDownloadCommand } from './artifacts/download.ts';
import { createListCommand } from './artifacts/list.ts';
import { createLogArtifactCommand } from './artifacts/log-artifact.ts';
import { createLogArtifactsCommand } from './artifacts/log-artifacts.ts';

/** `mlts artifacts`: the verbs of `mlflow artifacts` (`mlflow/store/artifact/cli.py`). */
export function artifactsCommand(context: Context): Command {
  const group = new Command('artifacts').description('upload, list and download artifacts');
  const verbs = [
    createListCommand(context),
    createDownloadCommand(context),
    createLogArtifactCommand(context),
    createLogArtifactsCommand(context),
  ];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  return group;
}
