import { normalizePackageName } from '../core/package-name.ts';
import type { ModelImage } from './model-image.ts';
import type { InstalledPackage } from './packages.ts';

/** What is in the image, as CycloneDX 1.6 in JSON: the same text for the same image. */
export async function renderBillOfMaterials(
  image: ModelImage,
  packages: readonly InstalledPackage[],
): Promise<string> {
  const [Enums, Models, Serialize, Spec, { PackageURL }] = await Promise.all([
    import('@cyclonedx/cyclonedx-library/Enums'),
    import('@cyclonedx/cyclonedx-library/Models'),
    import('@cyclonedx/cyclonedx-library/Serialize'),
    import('@cyclonedx/cyclonedx-library/Spec'),
    import('packageurl-js'),
  ]);
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(
    Enums.ComponentType.Container,
    image.names[0] ?? '',
    {
      version: image.id,
      bomRef: image.id,
    },
  );
  const sorted = packages.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, version, license } of sorted) {
    const normalized = normalizePackageName(name);
    const purl = new PackageURL('pypi', undefined, normalized, version, undefined, undefined);
    const component = new Models.Component(Enums.ComponentType.Library, name, {
      version,
      bomRef: purl.toString(),
      purl: purl.toString(),
    });
    if (license !== '') component.licenses.add(new Models.NamedLicense(license));
    bom.components.add(component);
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 });
}
