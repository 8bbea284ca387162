/** The address of a slice's heatmap, for an `<img>`. */
export function overlayUrl(studyId: string, seriesId: string, index: number): string {
  return `/api/v1/studies/${studyId}/series/${seriesId}/slices/${index}/overlay`;
}
