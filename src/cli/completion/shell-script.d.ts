// biome-ignore-all lint/style/noDefaultExport: a bundled text has no other
/** Shell scripts are bundled as texts (`rolldown.config.ts`). */
declare module '*.bash' {
  const text: string;

  export { text as default };
}
declare module '*.zsh' {
  const text: string;

  export { text as default };
}
declare module '*.fish' {
  const text: string;

  export { text as default };
}
