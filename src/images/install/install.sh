# Installs the packages of a model into /opt/venv, by uv where it is to be had, else by pip: the one step of the first
# stage of its image. uv reads nothing of pip's settings, so what they say about indexes is handed on.
set -eu
here=/tmp/mlts
venv=/opt/venv
uv=/tmp/uv/bin/uv
cd "$here"

pip_setting() { python3 -m pip config get "global.$1" 2>/dev/null || true; }
index=${PIP_INDEX_URL:-$(pip_setting index-url)}
extra=${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}
trusted=${PIP_TRUSTED_HOST:-$(pip_setting trusted-host)}
if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
if [ -n "$extra" ]; then export UV_INDEX="$extra" UV_INDEX_STRATEGY=unsafe-best-match; fi
if [ -n "$trusted" ]; then export UV_INSECURE_HOST="$trusted"; fi
if [ -f certificates.pem ]; then export PIP_CERT="$here/certificates.pem" SSL_CERT_FILE="$here/certificates.pem"; fi
if [ -d wheelhouse ]; then
  export PIP_NO_INDEX=1 PIP_FIND_LINKS="$here/wheelhouse" UV_NO_INDEX=1 UV_FIND_LINKS="$here/wheelhouse" UV_OFFLINE=1
fi
export UV_PYTHON_INSTALL_DIR=/opt/python PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
mkdir -p "$UV_PYTHON_INSTALL_DIR"
# BuildKit mounts a cache, on a disk of its own; else what is kept would only make the step longer.
if grep -q ' /root/.cache/uv ' /proc/mounts; then export UV_LINK_MODE=copy; else export UV_NO_CACHE=1; fi
python3 -m pip install --quiet --no-cache-dir --target /tmp/uv uv || echo 'uv is not to be had: pip installs'

# A Python of another version than that of the base image is brought along.
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
is_here() {
  case "$MLTS_PYTHON" in '' | "$version".*) return 0 ;; esac
  case "$version." in "$MLTS_PYTHON".*) return 0 ;; esac
  return 1
}
if is_here; then python3 -m venv --without-pip "$venv"
elif [ -x "$uv" ]; then "$uv" venv --python "$MLTS_PYTHON" "$venv"
else echo "the base image has Python $version, not $MLTS_PYTHON, which only uv could bring along" >&2; exit 1; fi
python=$venv/bin/python
packages=$($python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

install() {
  if [ -x "$uv" ]; then "$uv" pip install --python "$python" --overrides overrides.txt "$@"
  else python3 -m pip --python "$python" install --no-cache-dir "$@"; fi
}
if [ -s build.txt ]; then install -r build.txt; fi
if [ -s constraints.txt ]; then install -r requirements.txt -c constraints.txt
elif [ -s requirements.txt ]; then install -r requirements.txt; fi
if [ -d mlflow ]; then install ./mlflow; fi

# Writes the bytecode of what it imports.
import_served() { env -u PYTHONDONTWRITEBYTECODE "$python" import_served.py "$MLTS_LOADER" 2> import.txt; }
# MLflow looks for parts of this package without making sure that it is there at all.
if [ -s overrides.txt ] && [ ! -e "$packages/databricks" ]; then
  mkdir "$packages/databricks"
  : > "$packages/databricks/__init__.py"
fi
is_served=yes
import_served || is_served=
if [ -s overrides.txt ] && [ -z "$is_served" ]; then
  tail -n 1 import.txt
  echo 'this MLflow does not start without what was left out: it is installed'
  : > overrides.txt
  install -r requirements.txt
  if import_served; then is_served=yes; fi
fi

# What no model needs when it is served: tests, what is for compilers, pages of MLflow's own server, and what pyarrow
# needs to be a server or to run plans of others.
cd "$packages"
for name in numpy pandas scipy sklearn pyarrow joblib statsmodels matplotlib networkx sympy; do
  if [ -d "$name" ]; then find "$name" -depth -type d -name tests -exec rm -rf {} +; fi
done
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' \) -delete
rm -rf pyarrow/include pyarrow/src numpy/_core/include mlflow/server/js/build
rm -f pyarrow/libarrow_flight.so* pyarrow/_flight.*.so pyarrow/libarrow_substrait.so* pyarrow/_substrait.*.so
cd "$here"
"$python" strip_libraries.py "$packages"

# The rest of the bytecode, which a user who is not root could not keep. Large libraries of which a server needs little have
# that of what it imports.
large='mlflow|databricks|google|opentelemetry|numpy|scipy|pandas|sklearn|pyarrow'
if [ -n "$is_served" ]; then
  "$python" -m compileall -q -j 0 -x "/site-packages/($large)/" "$venv/lib" || true
else
  tail -n 1 import.txt
  "$python" -m compileall -q -j 0 "$venv/lib" || true
fi
"$python" list_packages.py > "$venv/packages.json"
rm -rf /tmp/uv
