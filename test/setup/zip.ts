import { execa } from 'execa';

export interface ZipMember {
  readonly name: string;
  readonly text?: string;
  /** Of so many zero bytes instead. */
  readonly zeros?: number;
  /** Unix file type and permissions: 0o120777 is a link, 0o100755 a program. */
  readonly mode?: number;
}

/** Writes an archive with Python's zipfile, which checks nothing: names and types stay as they are given. */
export async function writeZip(path: string, members: readonly ZipMember[]): Promise<void> {
  const script = `
import json, sys, warnings, zipfile
warnings.simplefilter("ignore")
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for member in json.load(sys.stdin):
        info = zipfile.ZipInfo(member["name"])
        info.filename = member["name"]
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = member.get("mode", 0o100644) << 16
        archive.writestr(info, bytes(member["zeros"]) if "zeros" in member else member.get("text", ""))
`;
  await execa('python3', ['-c', script, path], { input: JSON.stringify(members) });
}
