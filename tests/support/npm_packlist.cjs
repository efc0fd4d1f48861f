// Asks the installed npm's own npm-packlist which files it packs.
// Requests, a JSON array on standard input: {path} is packed as a project without bundled packages,
// {path, bundle: true} with what npm finds below it, {path, prefix, workspaces} as a member of the workspace in
// prefix. Answers: arrays of paths, or the text of the error.
const path = require('node:path');
const root = process.argv[2];
const use = (name) => require(require.resolve(name, { paths: [root] }));
const packlist = use('npm-packlist');
const PackageJson = use('@npmcli/package-json');
const Arborist = use('@npmcli/arborist');

const tree = async ({ path: at, bundle }) => {
  if (bundle) return new Arborist({ path: at }).loadActual();
  const { content } = await PackageJson.normalize(at);
  return { path: at, package: content, isProjectRoot: true, workspaces: null, edgesOut: new Map() };
};

// A pattern that npm cannot compile throws inside a callback of the file system.
let failed = () => {};
process.on('uncaughtException', (error) => failed(error));

const answer = async (request) => {
  try {
    const found = await tree(request);
    return await new Promise((resolve, reject) => {
      failed = reject;
      const { path: at, prefix = at, workspaces = [] } = request;
      packlist(found, { path: at, prefix, workspaces }).then(resolve, reject);
    });
  } catch (error) {
    return String(error.message);
  }
};

(async () => {
  const answers = [];
  const requests = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
  for (const request of requests) answers.push(await answer(request));
  process.stdout.write(JSON.stringify(answers));
})();
