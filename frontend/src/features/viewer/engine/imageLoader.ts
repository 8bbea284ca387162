import { Enums, imageLoader, metaData, type Types, utilities } from '@cornerstonejs/core';
import { type ImageAddress, resolveImageId, spacingOf } from './source';

/** Reads raw voxels into the array type that they are stored as; both ends are little-endian. */
function toScalars(bytes: ArrayBuffer, { source: { series } }: ImageAddress): Int16Array | Uint8Array {
  const scalars = series.dtype === 'int16' ? new Int16Array(bytes) : new Uint8Array(bytes);
  if (scalars.length !== series.rows * series.columns) {
    throw new Error('The slice did not arrive whole.');
  }
  return scalars;
}

function rangeOf(scalars: Int16Array | Uint8Array): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of scalars) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function toImage(imageId: string, address: ImageAddress, bytes: ArrayBuffer): Types.IImage {
  const { series } = address.source;
  const scalars = toScalars(bytes, address);
  const [minPixelValue, maxPixelValue] = rangeOf(scalars);
  const [, rowSpacing, columnSpacing] = spacingOf(series);
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({
    width: series.columns,
    height: series.rows,
    scalarData: scalars,
    numberOfComponents: 1,
    id: imageId,
  });
  return {
    imageId,
    minPixelValue,
    maxPixelValue,
    // Intake has already applied the rescale: a voxel's value is what it means.
    slope: 1,
    intercept: 0,
    windowCenter: series.default_window.center,
    windowWidth: series.default_window.width,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    rows: series.rows,
    columns: series.columns,
    height: series.rows,
    width: series.columns,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    columnPixelSpacing: columnSpacing,
    rowPixelSpacing: rowSpacing,
    invert: false,
    photometricInterpretation: 'MONOCHROME2',
    sizeInBytes: bytes.byteLength,
    dataType: series.dtype === 'int16' ? 'Int16Array' : 'Uint8Array',
    voxelManager: voxelManager as NonNullable<Types.IImage['voxelManager']>,
    getPixelData: () => scalars,
    getCanvas: () => document.createElement('canvas'),
  };
}

async function fetchImage(imageId: string): Promise<Types.IImage> {
  const address = resolveImageId(imageId);
  if (address === undefined) {
    throw new Error('This series is no longer open.');
  }
  return toImage(imageId, address, await address.source.load(address.index));
}

/** The geometry: axis-aligned, patient's right on the viewer's left, origin at the first voxel's centre. */
function imagePlane({ source: { series }, index }: ImageAddress) {
  const [slice, row, column] = spacingOf(series);
  return {
    frameOfReferenceUID: series.id,
    rows: series.rows,
    columns: series.columns,
    imageOrientationPatient: [1, 0, 0, 0, 1, 0],
    rowCosines: [1, 0, 0],
    columnCosines: [0, 1, 0],
    imagePositionPatient: [0, 0, index * slice],
    sliceThickness: slice,
    sliceLocation: index * slice,
    pixelSpacing: [row, column],
    rowPixelSpacing: row,
    columnPixelSpacing: column,
  };
}

function imagePixel({ source: { series } }: ImageAddress) {
  const bits = series.dtype === 'int16' ? 16 : 8;
  return {
    samplesPerPixel: 1,
    photometricInterpretation: 'MONOCHROME2',
    rows: series.rows,
    columns: series.columns,
    bitsAllocated: bits,
    bitsStored: bits,
    highBit: bits - 1,
    pixelRepresentation: series.dtype === 'int16' ? 1 : 0,
  };
}

function describe(type: string, imageId: string): unknown {
  const address = typeof imageId === 'string' ? resolveImageId(imageId) : undefined;
  if (address === undefined) {
    return undefined;
  }
  switch (type) {
    case Enums.MetadataModules.IMAGE_PLANE:
      return imagePlane(address);
    case Enums.MetadataModules.IMAGE_PIXEL:
      return imagePixel(address);
    case Enums.MetadataModules.GENERAL_SERIES:
      return { modality: address.source.series.modality, seriesInstanceUID: address.source.series.id };
    case Enums.MetadataModules.MODALITY_LUT:
      return { rescaleSlope: 1, rescaleIntercept: 0 };
    case Enums.MetadataModules.VOI_LUT: {
      const { center, width } = address.source.series.default_window;
      return { windowCenter: [center], windowWidth: [width] };
    }
    default:
      return undefined;
  }
}

/** Teaches Cornerstone3D to read the gateway's slices. */
export function registerSliceLoader(): void {
  imageLoader.registerImageLoader('ictus', (imageId) => ({ promise: fetchImage(imageId) }));
  metaData.addProvider(describe, 10_000);
}
