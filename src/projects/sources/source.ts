/**
 * A project fetched to a local folder, with what is known about where it came from. Disposing of it
 * removes whatever was made for it (a worktree, an unpacked archive); a folder of the user's own stays.
 */
export interface ProjectSource extends AsyncDisposable {
  /** Absolute; the project's own folder, `#subdirectory` included. */
  readonly directory: string;
  /** For the tag `mlflow.source.name`, as MLflow writes it; no credentials in it. */
  readonly name: string;
  /** Full commit hash of what is in `directory`; undefined outside git and for ignored folders. */
  readonly commit: string | undefined;
  /** First remote's URL, without credentials. */
  readonly repositoryUrl: string | undefined;
  /** Set only where `--version` named a branch, as MLflow does. */
  readonly branch: string | undefined;
  /** True where the working tree differs from `commit`. */
  readonly isDirty: boolean;
}
