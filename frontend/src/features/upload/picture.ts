const PICTURE = /\.(png|jpe?g)$/i;

/**
 * Whether a file looks like a picture, which says nothing about the machine that made it, so that the sender is
 * asked. The gateway decides by content; this only decides whether the question is shown.
 */
export function looksLikePicture(file: Pick<File, 'name' | 'type'>): boolean {
  return /^image\/(png|jpeg)$/.test(file.type) || PICTURE.test(file.name);
}
