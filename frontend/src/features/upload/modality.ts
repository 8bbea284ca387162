const WITHOUT_HEADER = /\.(png|jpe?g|nii|nii\.gz)$/i;

/**
 * Whether a file looks like one that does not say which machine made it, so that the sender is asked. The gateway
 * decides by content; this only decides whether the question is shown.
 */
export function statesNoModality(file: Pick<File, 'name' | 'type'>): boolean {
  return /^image\/(png|jpeg)$/.test(file.type) || WITHOUT_HEADER.test(file.name);
}
