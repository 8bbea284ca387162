import { Enums, imageLoader, metaData, type Types, utilities } from '@cornerstonejs/core';
import { type ImageAddress, resolveImageId, spacingOf } from './source';

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
  const { series } = address.voxels;
  // Both ends are little-endian.
  const scalars = series.dtype === 'int16' ? new Int16Array(bytes) : new Uint8Array(bytes);
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

function readImage(imageId: string): Types.IImage {
  const address = resolveImageId(imageId);
  const bytes = address?.voxels.take(address.index);
  if (address === undefined || bytes === undefined) {
    throw new Error('This slice has not been fetched.');
  }
  return toImage(imageId, address, bytes);
}

/** The geometry: axis-aligned, patient's right on the viewer's left, origin at the first voxel's centre. */
function imagePlane({ voxels: { series }, index }: ImageAddress) {
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

function imagePixel({ voxels: { series } }: ImageAddress) {
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
      return { modality: address.voxels.series.modality, seriesInstanceUID: address.voxels.series.id };
    case Enums.MetadataModules.MODALITY_LUT:
      return { rescaleSlope: 1, rescaleIntercept: 0 };
    case Enums.MetadataModules.VOI_LUT: {
      const { center, width } = address.voxels.series.default_window;
      return { windowCenter: [center], windowWidth: [width] };
    }
    default:
      return undefined;
  }
}

/** Teaches Cornerstone3D to read the gateway's slices. */
export function registerSliceLoader(): void {
  imageLoader.registerImageLoader('ictus', (imageId) => ({ promise: Promise.resolve(readImage(imageId)) }));
  metaData.addProvider(describe, 10_000);
}
