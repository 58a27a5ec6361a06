import type { Call } from '../endpoint.ts';
import type { Access } from './access.ts';

/** Whether the caller may do what the call asks for. */
export type Rule = (call: Call, access: Access) => boolean | Promise<boolean>;
export type Rules = Readonly<Record<string, Rule>>;

export type SentMessage = Call['message'];

/** A field's text; empty where it was not sent. */
export function textOf(message: SentMessage, name: string): string {
  const value = message[name];
  return typeof value === 'string' ? value : '';
}

/** `01`, ` 1` and `+1` are experiment 1, `-0` is 0: a grant for it must hold under every spelling. */
export function readExperimentId(text: string): string {
  return /^\s*[+-]?\d{1,40}\s*$/.test(text) ? String(BigInt(text.trim())) : text;
}

export function runIdOf(message: SentMessage): string {
  return textOf(message, 'run_id') || textOf(message, 'run_uuid');
}

export function listOf(message: SentMessage, name: string): readonly unknown[] {
  const value = message[name];
  return Array.isArray(value) ? value : [];
}

/** Of the messages in a list: the texts of one field that are there. */
export function textsIn(message: SentMessage, list: string, name: string): readonly string[] {
  const found = listOf(message, list).map((item) => textOf(item as SentMessage, name));
  return [...new Set(found.filter((text) => text !== ''))];
}
